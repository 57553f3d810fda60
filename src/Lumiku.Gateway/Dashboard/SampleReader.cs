using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Lumiku.Gateway.Telemetry.Explanations;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.Dashboard;

/// <summary>Reads how this replica is, from what is counted anyway.</summary>
internal sealed class SampleReader(
    RecentActivity activity, RunningGenerations running, Breakers breakers, ImageCache cache, CurrentSettings settings, Draining draining, IProxyStateLookup clusters,
    StoryWriter stories, TimeProvider time, RedisState? state = null, RedisImages? images = null)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public ReplicaSample Read()
    {
        var current = settings.Value;
        return new ReplicaSample(stories.Replica, time.GetUtcNow(), _startedAt, [.. Enum.GetValues<Counted>().Select(activity.Read)])
        {
            Running = running.Count,
            Waiting = activity.Waiting,
            Models = [.. activity.ReadModels().Select(model => new ModelSample(model.Model, model.Milliseconds, model.Failed))],
            Breakers = [.. breakers.All.Select(breaker => new BreakerSample(breaker.Upstream, breaker.Model, breaker.IsOpen)).OrderBy(breaker => breaker.Model, StringComparer.Ordinal)],
            Resting = [.. from cluster in clusters.GetClusters()
                          from destination in cluster.DestinationsState.AllDestinations
                          where destination.Health.Passive == DestinationHealth.Unhealthy
                          select $"{cluster.ClusterId}/{destination.DestinationId}"],
            Redis = [.. Redis()],
            Settings = current.Number,
            Refused = settings.Refused ?? [],
            IsDraining = draining.IsDraining,
            CacheBytes = cache.Bytes,
            CacheCapacity = current.Cache.MemoryBytes,
            CacheEntries = cache.Count,
            Currency = current.Cost.Currency,
            KnowsPrices = current.Models.All.Any(model => current.PriceOf(model) is not null),
        };
    }

    private IEnumerable<RedisSample> Redis()
    {
        if (state?.Connection is { } limits)
        {
            yield return new RedisSample("limits", limits.Problem, limits.Outages);
        }

        if (images?.Connection is { } kept)
        {
            yield return new RedisSample("images", kept.Problem, kept.Outages);
        }
    }
}
