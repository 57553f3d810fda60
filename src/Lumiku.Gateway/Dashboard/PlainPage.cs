using System.Text;

namespace Lumiku.Gateway.Dashboard;

/// <summary>A page without a circuit, for when there is none to be had.</summary>
internal static class PlainPage
{
    private static readonly string Full = $"""
        <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
        <title>Too many open pages · Lumiku Gateway</title><base href="/ops/"><link rel="stylesheet" href="ops.css"></head>
        <body class="plain"><main><p class="brand">Lumiku Gateway</p><h1>Too many pages are open</h1>
        <p>This replica shows its page to {OpenPages.Most} at once, so that looking never slows it. Close one somewhere, and <a href="">try again</a>. The gateway itself serves on.</p></main></body></html>
        """;

    public static Task WriteFullAsync(HttpContext context)
    {
        var page = Encoding.UTF8.GetBytes(Full);
        var response = context.Response;
        response.StatusCode = StatusCodes.Status429TooManyRequests;
        response.Headers.RetryAfter = "10";
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = page.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(page, context.RequestAborted).AsTask();
    }
}
