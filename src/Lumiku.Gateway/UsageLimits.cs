using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway;

/// <summary>How much somebody may use. Bound from <c>Tiers:{tier}</c> and <c>Callers:{name}:Limits</c>; what is left out, or null, is unlimited.</summary>
internal class UsageLimits
{
    /// <summary>Nothing is limited.</summary>
    public static readonly UsageLimits None = new();

    /// <summary>Requests a minute, evenly; how many of them in one go says <see cref="Burst"/>. 1 to 1,000,000.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Requests in one go, the first included. 1 to 1,000,000. Null: <see cref="RequestsPerMinute"/>.</summary>
    public int? Burst { get; init; }

    /// <summary>Requests that are under way at once. 1 to 100,000.</summary>
    public int? ConcurrentRequests { get; init; }

    /// <summary>Units a day of <c>Quota:TimeZone</c>. 0 (kept images alone) to 1,000,000,000.</summary>
    public int? UnitsPerDay { get; init; }

    /// <summary>Units a calendar month of <c>Quota:TimeZone</c>. 0 (kept images alone) to 1,000,000,000.</summary>
    public int? UnitsPerMonth { get; init; }

    /// <summary>The whole bucket of requests; 0 where <see cref="RequestsPerMinute"/> is unlimited.</summary>
    public int BucketSize => RequestsPerMinute is { } perMinute ? Burst ?? perMinute : 0;

    /// <summary>The time after which the bucket has one request more, rounded up: never more than the limit; zero where it is unlimited.</summary>
    public TimeSpan RequestInterval => RequestsPerMinute is { } perMinute
        ? TimeSpan.FromTicks((TimeSpan.TicksPerMinute + perMinute - 1) / perMinute)
        : TimeSpan.Zero;

    /// <summary>One replica's part of them, rounded up, so that nobody is left without.</summary>
    public UsageLimits ShareOf(int replicas)
    {
        return replicas == 1 ? this : new UsageLimits
        {
            RequestsPerMinute = Part(RequestsPerMinute),
            Burst = Part(RequestsPerMinute is null ? null : BucketSize),
            ConcurrentRequests = Part(ConcurrentRequests),
            UnitsPerDay = Part(UnitsPerDay),
            UnitsPerMonth = Part(UnitsPerMonth),
        };

        int? Part(int? limit) => limit is null ? null : (int)((limit.Value + (long)replicas - 1) / replicas);
    }

    /// <param name="key">Where it was bound from.</param>
    public void Check(string key, SettingsReader read)
    {
        if (Burst is not null && RequestsPerMinute is null)
        {
            read.Refuse($"{key}:{nameof(Burst)}", "says how many requests in one go, but no RequestsPerMinute how many follow");
        }
    }
}
