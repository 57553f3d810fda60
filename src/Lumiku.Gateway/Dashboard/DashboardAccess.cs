using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Dashboard;

/// <summary>Who gets to the operators' page: whoever has the key, and for an hour the browser that showed it. Where there is no key, there is no page.</summary>
internal sealed class DashboardAccess(RequestDelegate next, OpenPages pages, FailedLogins failedLogins, IHostApplicationLifetime lifetime, TimeProvider time)
{
    public static readonly PathString Root = "/ops";

    private static readonly PathString Socket = Root + "/_blazor";

    /// <summary>
    /// Scripts, styles and connections of our own alone, no inline script, no eval, no frame. Radzen's components and charts place their parts with
    /// style attributes, so those are allowed; style elements are not.
    /// </summary>
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        + "base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

    public static bool IsBelow(HttpRequest request) => request.Path.StartsWithSegments(Root, StringComparison.Ordinal);

    /// <summary>It is where a page's WebSocket is opened; of anything else there is no upgrade.</summary>
    public static bool IsSocket(HttpRequest request) => request.Method == HttpMethods.Get && request.Path == Socket;

    public Task InvokeAsync(HttpContext context)
    {
        var settings = context.GetSettings();
        if (settings.OperatorKey is null)
        {
            return GatewayProblem.UnknownRoute(context.Request.Path).ExecuteAsync(context);
        }

        SetHeaders(context.Response.Headers);
        if (context.Request.Path.StartsWithSegments(Socket, StringComparison.Ordinal) || context.Request.Path.StartsWithSegments(DashboardImages.Root, StringComparison.Ordinal) || DashboardAssets.Has(context.Request.Path))
        {
            context.GetRequestRecord().IsOfPage = true;
            if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
            {
                // A page is open for hours: that is no request's duration.
                metrics.MetricsDisabled = true;
            }
        }

        return IsSocket(context.Request) ? OpenAsync(context, settings) : ShowAsync(context, settings);
    }

    private Task ShowAsync(HttpContext context, GatewaySettings settings)
    {
        if (EndOf(context, settings, out var isForged) is not null)
        {
            // Here too, so that a key that comes with it begins a new hour.
            return OperatorAccess.HasKey(context) ? OperatorAccess.ToLook(BeginAsync)(context) : IsLooking(context) ? PageAsync(context) : NotAllowed(context);
        }

        // A right key is never refused, whatever cookie of an older key comes with it.
        if (isForged && !OperatorAccess.HasKey(context) && failedLogins.Count(context.Connection.RemoteIpAddress) is { } delay)
        {
            return GatewayProblem.TooManyFailedLogins(delay).ExecuteAsync(context);
        }

        return OperatorAccess.ToLook(BeginAsync)(context);
    }

    private Task BeginAsync(HttpContext context)
    {
        context.Response.Cookies.Append(DashboardSession.CookieName, DashboardSession.Begin(context.GetSettings(), time.GetUtcNow()), new CookieOptions
        {
            Path = Root,
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            // A proxy that has the TLS says so; anybody else who says so only makes it stricter for itself.
            Secure = context.Request.IsHttps || context.Request.Headers["X-Forwarded-Proto"] is [{ } scheme] && scheme.Equals("https", StringComparison.OrdinalIgnoreCase),
            MaxAge = DashboardSession.Lifetime,
        });
        return PageAsync(context);
    }

    private Task PageAsync(HttpContext context) =>
        pages.IsFull && !DashboardAssets.Has(context.Request.Path) ? PlainPage.WriteFullAsync(context) : next(context);

    /// <summary>A page's WebSocket: its cookie alone counts, sent from a page of ours, and it ends with the cookie.</summary>
    private async Task OpenAsync(HttpContext context, GatewaySettings settings)
    {
        if (context.Request.Headers.Upgrade.Count == 0)
        {
            // Neither long polling nor events: a circuit is a WebSocket.
            await GatewayProblem.UnknownRoute(context.Request.Path).ExecuteAsync(context);
            return;
        }

        if (EndOf(context, settings, out var isForged) is not { } endsAt || !IsFromHere(context.Request))
        {
            var delay = isForged ? failedLogins.Count(context.Connection.RemoteIpAddress) : null;
            await (delay is { } wait ? GatewayProblem.TooManyFailedLogins(wait) : GatewayProblem.NotTheOperator(takesBasic: false)).ExecuteAsync(context);
            return;
        }

        using var page = pages.TryOpen();
        if (page is null)
        {
            await PlainPage.WriteFullAsync(context);
            return;
        }

        await using var end = time.CreateTimer(_ => context.Abort(), state: null, endsAt - time.GetUtcNow(), Timeout.InfiniteTimeSpan);
        // At once where it is stopping already: a stop waits for everybody who is connected, and a page would never leave.
        await using var stop = lifetime.ApplicationStopping.Register(context.Abort);
        await next(context);
    }

    private DateTimeOffset? EndOf(HttpContext context, GatewaySettings settings, out bool isForged)
    {
        var cookie = context.Request.Cookies[DashboardSession.CookieName];
        var endsAt = DashboardSession.Read(settings, cookie, time.GetUtcNow(), out var isOurs);
        isForged = cookie is not null && !isOurs;
        return endsAt;
    }

    private static bool IsLooking(HttpContext context) => HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);

    private static Task NotAllowed(HttpContext context)
    {
        context.Response.Headers.Allow = "GET, HEAD";
        return GatewayProblem.MethodNotAllowed(context.Request.Method, "GET, HEAD").ExecuteAsync(context);
    }

    /// <summary>Browsers say with every WebSocket which page opens it, and no page can say something else.</summary>
    private static bool IsFromHere(HttpRequest request) =>
        request.Headers.Origin is [{ } origin] && Uri.TryCreate(origin, UriKind.Absolute, out var from)
        && request.Host is { HasValue: true } host && from.Host.Equals(host.Host, StringComparison.OrdinalIgnoreCase)
        && (host.Port is { } port ? from.Port == port : from.IsDefaultPort);

    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }
}
