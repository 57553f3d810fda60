using System.Runtime.InteropServices;
using Lumiku.Gateway.ModelSubstitution;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.Generation;

/// <summary>One request to upstream, through the YARP route, in a context of its own.</summary>
/// <remarks>
/// Nothing of a caller's request is in it: not its connection, headers, cancellation, services or activity. So a caller may leave, and an
/// attempt may be followed by another, without anybody having been answered yet.
/// </remarks>
internal sealed partial class UpstreamAttempt(IServiceScopeFactory scopes, ILogger<UpstreamAttempt> logger)
{
    /// <param name="tried">Destinations that refused before, which are not asked again while there are others; the one that is asked is added.</param>
    /// <param name="deadline">The generation's own.</param>
    public async Task<UpstreamAnswer> SendAsync(GenerationPlan plan, UpstreamTarget target, HashSet<string> tried, CancellationToken deadline)
    {
        await using var scope = scopes.CreateAsyncScope();
        var response = new CapturedResponse(plan.Settings.Limits.ImageBytes);
        var context = CreateContext(response, plan.Request, plan.Terms.Accept);
        context.RequestServices = scope.ServiceProvider;
        context.RequestAborted = deadline;
        context.Features.Set(plan.Settings);
        context.Features.Set(new InternalRequest(tried));
        target.Direct(context);
        await target.Endpoint.RequestDelegate!(context);

        // A pipeline that answers without having reached the proxy is a mistake in the configuration, not an answer of upstream's.
        if (context.Features.Get<IReverseProxyFeature>() is not { } proxied)
        {
            Log.NotProxied(logger, target.Endpoint.DisplayName);
            return UpstreamAnswer.Broken(ForwarderError.NoAvailableDestinations);
        }

        if (proxied.ProxiedDestination is { } destination)
        {
            tried.Add(destination.DestinationId);
        }

        var broken = context.Features.Get<IForwarderErrorFeature>();
        var error = broken?.Error ?? ForwarderError.None;
        if (error != ForwarderError.None && (deadline.IsCancellationRequested || broken?.Exception is OperationCanceledException))
        {
            // The time was up, whatever broke first when we let go: YARP now and then calls that a broken body.
            error = ForwarderError.RequestCanceled;
        }

        var reached = context.Features.Get<UpstreamStatus>();
        var answer = error != ForwarderError.None && !response.Captured.IsTooLarge || reached is null
            ? UpstreamAnswer.Broken(error == ForwarderError.None ? ForwarderError.NoAvailableDestinations : error) with { NeverLeft = NeverLeft(broken?.Exception) }
            : new UpstreamAnswer(reached.StatusCode, response.Headers, response.Captured.Content, response.Captured, ForwarderError.None, response.Captured.IsTooLarge);
        return answer with { Destination = proxied.ProxiedDestination?.DestinationId, HasAnotherDestination = proxied.AllDestinations.Any(other => !tried.Contains(other.DestinationId) && other.Health.Passive != DestinationHealth.Unhealthy) };
    }

    /// <summary>No connection came about, so nothing was sent: the model surely did not run.</summary>
    private static bool NeverLeft(Exception? exception) =>
        exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError };

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
        [LoggerMessage(1, LogLevel.Error, "The route {Route} answered without proxying")]
        public static partial void NotProxied(ILogger logger, string? route);
    }
}

/// <summary>Marks a context as a generation's own, which may pass to YARP.</summary>
/// <param name="Tried">Destinations not to be asked while there are others.</param>
internal sealed record InternalRequest(IReadOnlySet<string> Tried);

/// <summary>What upstream itself answered, before anything was made of it.</summary>
internal sealed record UpstreamStatus(int StatusCode);
