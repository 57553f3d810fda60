using System.Runtime.InteropServices;
using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.Settings;
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
    /// <summary>What JSON may have around an image.</summary>
    private const int AroundAnImage = 64 * 1024;

    /// <param name="request">Its destinations are those that refused before, which are not asked again while there are others; the one that is asked is added.</param>
    /// <param name="deadline">The generation's own, or that of this upstream.</param>
    public async Task<UpstreamAnswer> SendAsync(UpstreamCall call, InternalRequest request, GatewaySettings settings, UpstreamTarget target, CancellationToken deadline)
    {
        await using var scope = scopes.CreateAsyncScope();
        var most = settings.Limits.ImageBytes;
        // In base64 an image takes a third more.
        var response = new CapturedResponse(call.GivesImage ? most : (int)Math.Min(int.MaxValue, (most / 3L * 4) + AroundAnImage));
        var context = CreateContext(response, call);
        context.RequestServices = scope.ServiceProvider;
        context.RequestAborted = deadline;
        context.Features.Set(settings);
        context.Features.Set(request);
        target.Direct(context, call.Path);
        await target.Endpoint.RequestDelegate!(context);

        // A pipeline that answers without having reached the proxy is a mistake in the configuration, not an answer of upstream's.
        if (context.Features.Get<IReverseProxyFeature>() is not { } proxied)
        {
            Log.NotProxied(logger, target.Endpoint.DisplayName);
            return UpstreamAnswer.Broken(ForwarderError.NoAvailableDestinations);
        }

        if (proxied.ProxiedDestination is { } destination)
        {
            request.Tried.Add(destination.DestinationId);
        }

        var broken = context.Features.Get<IForwarderErrorFeature>();
        var error = broken?.Error ?? ForwarderError.None;
        var neverLeft = !deadline.IsCancellationRequested && UpstreamAnswerReader.NeverLeft(broken?.Exception);
        if (error != ForwarderError.None && !neverLeft && (deadline.IsCancellationRequested || broken?.Exception is OperationCanceledException))
        {
            // The time was up, whatever broke first when we let go: YARP now and then calls that a broken body.
            error = ForwarderError.RequestCanceled;
        }

        var reached = context.Features.Get<UpstreamStatus>();
        var answer = error != ForwarderError.None && !response.Captured.IsTooLarge || reached is null
            ? UpstreamAnswer.Broken(error == ForwarderError.None ? ForwarderError.NoAvailableDestinations : error) with { NeverLeft = neverLeft }
            : new UpstreamAnswer(reached.StatusCode, response.Headers, response.Captured.Content, response.Captured, ForwarderError.None, response.Captured.IsTooLarge);
        return answer with
        {
            Destination = proxied.ProxiedDestination?.DestinationId,
            HasAnotherDestination = proxied.AllDestinations.Any(other => !request.Tried.Contains(other.DestinationId) && other.IsFit(proxied.Cluster.Config)),
        };
    }

    private static DefaultHttpContext CreateContext(CapturedResponse response, UpstreamCall call)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = call.Method,
            Scheme = Uri.UriSchemeHttps,
            QueryString = call.Query,
            Protocol = HttpProtocol.Http11,
            Body = MemoryMarshal.TryGetArray(call.Body, out var bytes) ? new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false) : Stream.Null,
        });
        features.Set<IHttpResponseFeature>(response);
        features.Set<IHttpResponseBodyFeature>(response);

        var context = new DefaultHttpContext(features);
        if (call.MediaType is not null)
        {
            context.Request.ContentType = call.MediaType;
            context.Request.ContentLength = call.Body.Length;
        }

        context.Request.Headers.Accept = call.Accept;
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
internal sealed record InternalRequest(HashSet<string> Tried)
{
    /// <summary>The one destination that is asked; null: whichever is free.</summary>
    public string? Destination { get; init; }

    /// <summary>Sent with it, beside the credential; never anything of a caller's.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
}

/// <summary>What upstream itself answered, before anything was made of it.</summary>
internal sealed record UpstreamStatus(int StatusCode);
