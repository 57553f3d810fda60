using System.Globalization;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>
/// The passive health policy <c>RestingTokens</c>: a destination whose account was refused (401, 402, 403, 429) is not asked until
/// Retry-After, or for the cluster's <c>ReactivationPeriod</c> (10 min by default). The others serve meanwhile.
/// </summary>
/// <remarks>The last one that neither rests nor was found ill never rests: its answer is better than none, and tells the operator why.</remarks>
internal sealed partial class RestingTokens(IDestinationHealthUpdater health, ILogger<RestingTokens> logger) : IPassiveHealthCheckPolicy
{
    public const string PolicyName = "RestingTokens";

    private static readonly TimeSpan DefaultRest = TimeSpan.FromMinutes(10);

    /// <summary>What upstream says is believed up to here.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromDays(1);

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        if (FailureOf(context) is not { IsOfAccount: true } failure || !OthersServe(cluster, destination))
        {
            return;
        }

        var rest = failure.RetryAfter ?? cluster.Model.Config.HealthCheck?.Passive?.ReactivationPeriod ?? DefaultRest;
        rest = rest < LongestRest ? rest : LongestRest;
        health.SetPassive(cluster, destination, DestinationHealth.Unhealthy, rest);
        Log.Resting(logger, destination.DestinationId, cluster.ClusterId, failure.Status?.ToString(CultureInfo.InvariantCulture) ?? "none", rest.TotalSeconds);
    }

    private static UpstreamFailure? FailureOf(HttpContext context)
    {
        if (context.Features.Get<UpstreamFailure>() is { } told)
        {
            return told;
        }

        // Of a generation's own request; the answer is in its memory.
        return context.Features.Get<UpstreamStatus>() is { StatusCode: >= 400 and < 500 } status && context.Features.Get<IHttpResponseBodyFeature>() is CapturedResponse response
            ? UpstreamAnswerReader.FailureOf(
                new UpstreamAnswer(status.StatusCode, response.Headers, response.Captured.Content, null, ForwarderError.None, IsTooLarge: false), context.GetSettings(), flaw: "", dialects: [])
            : null;
    }

    private static bool OthersServe(ClusterState cluster, DestinationState destination) =>
        cluster.DestinationsState.AllDestinations.Any(other => other != destination && other.IsFit(cluster.Model.Config));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The destination {Destination} of {Cluster} rests for {Seconds:0} s: upstream refused its account with {UpstreamStatus}")]
        public static partial void Resting(ILogger logger, string destination, string cluster, string upstreamStatus, double seconds);
    }
}
