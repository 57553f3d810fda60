namespace Lumiku.Gateway.Telemetry;

/// <summary>Names each request for people. Money and state are never keyed by it, as callers choose it.</summary>
internal static class RequestIds
{
    public const string Header = "X-Request-Id";

    public static IApplicationBuilder UseRequestIds(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var id = context.Request.Headers[Header] is [{ } given] && IsFit(given) ? given : Guid.CreateVersion7().ToString("N");
        context.TraceIdentifier = id;
        context.Response.Headers[Header] = id;
        return next(context);
    });

    /// <summary>1 to 128 of letters, digits and <c>- _ . :</c>; anything else could break a log line or a header.</summary>
    public static bool IsFit(string id) => id.Length is >= 1 and <= 128 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':');
}
