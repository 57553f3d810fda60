using System.Text.Json;
using System.Text.Json.Serialization;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Dashboard;

/// <summary>How one replica is, and was within the hour: what the page shows, and what replicas tell each other while somebody looks.</summary>
/// <param name="Minutes">By <see cref="Counted"/>, each by minutes, the oldest first.</param>
internal sealed record ReplicaSample(string Replica, DateTimeOffset At, DateTimeOffset StartedAt, long[][] Minutes)
{
    public int Running { get; init; }

    public int Waiting { get; init; }

    public IReadOnlyList<ModelSample> Models { get; init; } = [];

    public IReadOnlyList<BreakerSample> Breakers { get; init; } = [];

    /// <summary>Destinations that are not asked, as upstream refused their account: <c>cluster/destination</c>.</summary>
    public IReadOnlyList<string> Resting { get; init; } = [];

    public IReadOnlyList<RedisSample> Redis { get; init; } = [];

    public int Settings { get; init; }

    /// <summary>Why the file is not in force; empty while it is.</summary>
    public IReadOnlyList<string> Refused { get; init; } = [];

    public bool IsDraining { get; init; }

    public long CacheBytes { get; init; }

    public long CacheCapacity { get; init; }

    public int CacheEntries { get; init; }

    public string Currency { get; init; } = "";

    /// <summary>A price is known, so that costs say something.</summary>
    public bool KnowsPrices { get; init; }

    /// <summary>The last minutes of the hour.</summary>
    public long Sum(Counted what, int minutes = RecentActivity.Minutes) => Of(what).TakeLast(minutes).Sum();

    public long[] Of(Counted what) => (int)what < Minutes.Length ? Minutes[(int)what] : new long[RecentActivity.Minutes];

    /// <summary>Answers that had an image.</summary>
    public long Images(int minutes = RecentActivity.Minutes) => Sum(Counted.Hits, minutes) + Sum(Counted.Shared, minutes) + Sum(Counted.Made, minutes);

    /// <summary>All of them as one.</summary>
    public static ReplicaSample Add(IReadOnlyList<ReplicaSample> replicas)
    {
        if (replicas is [var only])
        {
            return only;
        }

        return replicas[0] with
        {
            Replica = $"{replicas.Count} replicas",
            Minutes = [.. Enum.GetValues<Counted>().Select(what => Enumerable.Range(0, RecentActivity.Minutes).Select(minute => replicas.Sum(replica => replica.Of(what)[minute])).ToArray())],
            Running = replicas.Sum(replica => replica.Running),
            Waiting = replicas.Sum(replica => replica.Waiting),
            Models = [.. replicas.SelectMany(replica => replica.Models).GroupBy(model => model.Model).OrderBy(model => model.Key, StringComparer.Ordinal)
                .Select(model => new ModelSample(model.Key, [.. model.SelectMany(one => one.Milliseconds)], model.Sum(one => one.Failed)))],
            Breakers = [.. replicas.SelectMany(replica => replica.Breakers).GroupBy(breaker => (breaker.Upstream, breaker.Model))
                .Select(breaker => new BreakerSample(breaker.Key.Upstream, breaker.Key.Model, breaker.Any(one => one.IsOpen)))],
            Resting = [.. replicas.SelectMany(replica => replica.Resting).Distinct()],
            Redis = [.. replicas.SelectMany(replica => replica.Redis).GroupBy(redis => redis.Store).Select(redis => redis.FirstOrDefault(one => one.Problem is not null) ?? redis.First())],
            Refused = replicas.FirstOrDefault(replica => replica.Refused.Count > 0)?.Refused ?? [],
            IsDraining = replicas.Any(replica => replica.IsDraining),
            CacheBytes = replicas.Sum(replica => replica.CacheBytes),
            CacheCapacity = replicas.Sum(replica => replica.CacheCapacity),
            CacheEntries = replicas.Sum(replica => replica.CacheEntries),
        };
    }
}

/// <param name="Milliseconds">Of its last generations that made an image.</param>
internal sealed record ModelSample(string Model, IReadOnlyList<int> Milliseconds, int Failed)
{
    /// <param name="share">0.5: the median.</param>
    /// <returns>Null where none was made.</returns>
    public TimeSpan? Quantile(double share)
    {
        if (Milliseconds.Count == 0)
        {
            return null;
        }

        var sorted = Milliseconds.Order().ToArray();
        return TimeSpan.FromMilliseconds(sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)]);
    }
}

internal sealed record BreakerSample(string Upstream, string Model, bool IsOpen);

/// <param name="Store"><c>limits</c> or <c>images</c>.</param>
/// <param name="Problem">Null: it is there.</param>
internal sealed record RedisSample(string Store, string? Problem, long Outages);

[JsonSerializable(typeof(ReplicaSample))]
internal sealed partial class SampleJson : JsonSerializerContext
{
    public static string Serialize(ReplicaSample sample) => JsonSerializer.Serialize(sample, Default.ReplicaSample);

    /// <returns>Null where it is another release's.</returns>
    public static ReplicaSample? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, Default.ReplicaSample) is { Replica: not null, Minutes: { } minutes } sample && minutes.All(kind => kind?.Length == RecentActivity.Minutes) ? sample : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
