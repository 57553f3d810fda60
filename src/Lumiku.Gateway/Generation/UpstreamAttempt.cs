using System.Runtime.InteropServices;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.Generation;

/// <summary>One request to upstream, through the YARP route, in a context of its own.</summary>
/// <remarks>
/// Nothing of a caller's request is in it: not its connection, headers, cancellation, services or activity. So a caller may leave, and an
/// attempt may be followed by another, without anybody having been answered yet.
/// </remarks>
internal sealed partial class UpstreamAttempt(IServiceScopeFactory scopes, UpstreamRoute routes, ILogger<UpstreamAttempt> logger)
{
    /// <param name="accept">The one media type that is asked for.</param>
    /// <param name="cancellationToken">The generation's own: its deadline.</param>
    public async Task<UpstreamAnswer> SendAsync(
        RouteEndpoint route, UpstreamRequest request, string accept, GatewaySettings settings, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var response = new CapturedResponse(settings.Limits.ImageBytes);
        var context = CreateContext(response, request, accept);
        context.RequestServices = scope.ServiceProvider;
        context.RequestAborted = cancellationToken;
        context.Features.Set(settings);
        context.Features.Set(new InternalRequest());

        if (await routes.DirectAsync(context, route, request) is not { } endpoint)
        {
            Log.NoRoute(logger, request.Path);
            return Failed(response, ForwarderError.NoAvailableDestinations);
        }

        await endpoint.RequestDelegate!(context);

        // A pipeline that answers without having reached the proxy is a mistake in the configuration, not an answer of upstream's.
        if (context.Features.Get<IReverseProxyFeature>() is null)
        {
            Log.NotProxied(logger, route.DisplayName);
            return Failed(response, ForwarderError.NoAvailableDestinations);
        }

        var error = context.Features.Get<IForwarderErrorFeature>()?.Error ?? ForwarderError.None;
        var reached = context.Features.Get<UpstreamStatus>();
        return error != ForwarderError.None && !response.Captured.IsTooLarge || reached is null
            ? Failed(response, error == ForwarderError.None ? ForwarderError.NoAvailableDestinations : error)
            : new UpstreamAnswer(reached.StatusCode, response.Headers, response.Captured.Content, ForwarderError.None, response.Captured.IsTooLarge);
    }

    private static UpstreamAnswer Failed(CapturedResponse response, ForwarderError error) => new(0, response.Headers, default, error, IsTooLarge: false);

    private static DefaultHttpContext CreateContext(CapturedResponse response, UpstreamRequest request, string accept)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = HttpMethods.Post,
            Scheme = Uri.UriSchemeHttps,
            Path = request.Path,
            Protocol = HttpProtocol.Http11,
            Body = MemoryMarshal.TryGetArray(request.Body, out var bytes) ? new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false) : Stream.Null,
        });
        features.Set<IHttpResponseFeature>(response);
        features.Set<IHttpResponseBodyFeature>(response);

        var context = new DefaultHttpContext(features);
        context.Request.ContentType = request.MediaType;
        context.Request.ContentLength = request.Body.Length;
        context.Request.Headers.Accept = accept;
        return context;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "No route leads to {Path}, the model that serves instead of the requested one")]
        public static partial void NoRoute(ILogger logger, string path);

        [LoggerMessage(2, LogLevel.Error, "The route {Route} answered without proxying")]
        public static partial void NotProxied(ILogger logger, string? route);
    }
}

/// <summary>Marks a context as a generation's own, which may pass to YARP.</summary>
internal sealed record InternalRequest;

/// <summary>What upstream itself answered, before anything was made of it.</summary>
internal sealed record UpstreamStatus(int StatusCode);
