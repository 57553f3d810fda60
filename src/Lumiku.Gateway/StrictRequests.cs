using System.Buffers;
using Lumiku.Gateway.Dashboard;

namespace Lumiku.Gateway;

/// <summary>Refuses what Kestrel takes though another reader of the same bytes could take it for something else: that is how requests are smuggled.</summary>
/// <remarks>As the server refuses by itself: 400 without a body, before anything looks at the request, and the connection ends, so that nothing behind it is read.</remarks>
internal sealed class StrictRequests : IStartupFilter
{
    /// <summary>Where Kestrel leaves the length that a chunked body was said to have.</summary>
    private const string OverruledLength = "X-Content-Length";

    /// <summary>RFC 9110 section 5.5: all controls but the tab.</summary>
    private static readonly SearchValues<char> Controls = SearchValues.Create([.. Enumerable.Range(0, 0x20).Append(0x7F).Select(code => (char)code).Where(c => c != '\t')]);

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, following) => Refusal(context) is { } status ? Refuse(context, status) : following(context));
        next(app);
    };

    /// <returns>Null where there is nothing against it.</returns>
    private static int? Refusal(HttpContext context)
    {
        var request = context.Request;
        // They name no resource of ours; what follows a CONNECT is meant for somebody else.
        if (request.Method == HttpMethods.Connect || RawTarget(context) is "*")
        {
            return StatusCodes.Status405MethodNotAllowed;
        }

        return IsFramedTwice(request) || AsksForAnotherProtocol(request) || HasStrangeTarget(context) || HasControls(request.Headers) ? StatusCodes.Status400BadRequest : null;
    }

    /// <summary>RFC 9112 section 6.1: chunked once, alone, and not in HTTP/1.0.</summary>
    private static bool IsFramedTwice(HttpRequest request)
    {
        var codings = request.Headers.TransferEncoding;
        return codings.Count > 0
            && (codings.Count > 1 || !string.Equals(codings[0], "chunked", StringComparison.OrdinalIgnoreCase) || HttpProtocol.IsHttp10(request.Protocol) || request.Headers.ContainsKey(OverruledLength));
    }

    /// <summary>
    /// But for h2c, which some clients offer with every first request and do without; other clients wait for it, or send on as if they had it. And
    /// for the operators' page, which lives on a WebSocket.
    /// </summary>
    private static bool AsksForAnotherProtocol(HttpRequest request)
    {
        var wanted = request.Headers.Upgrade;
        return wanted.Count > 0 && !(wanted is [{ } only]
            && (only.Equals("h2c", StringComparison.OrdinalIgnoreCase) || (only.Equals("websocket", StringComparison.OrdinalIgnoreCase) && DashboardAccess.IsSocket(request))));
    }

    /// <summary>A fragment is never sent, and Kestrel would take it for a part of the path, as it does a tab, at which others end it; nor is a user sent, who only hides the host.</summary>
    private static bool HasStrangeTarget(HttpContext context)
    {
        var target = RawTarget(context).AsSpan();
        return target.ContainsAny('#', '\t') || target.ContainsAny(Controls) || (target is not ['/', ..] && target.Contains('@'));
    }

    private static bool HasControls(IHeaderDictionary headers)
    {
        foreach (var (_, values) in headers)
        {
            foreach (var value in values)
            {
                if (value.AsSpan().ContainsAny(Controls))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static string RawTarget(HttpContext context) => context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    private static Task Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        context.Response.ContentLength = 0;
        context.Response.Headers.Connection = "close";
        if (status == StatusCodes.Status405MethodNotAllowed)
        {
            context.Response.Headers.Allow = "GET, HEAD, POST";
        }

        return Task.CompletedTask;
    }
}
