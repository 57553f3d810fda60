using Lumiku.Gateway.RateLimiting;

namespace Lumiku.Gateway.Dashboard;

/// <summary>One limit of one owner, as a bar of what is left.</summary>
/// <param name="LeftShare">0 to 1; 1 where it is unlimited.</param>
/// <param name="FreesAt">When it is whole again; null: nobody knows, or it is.</param>
internal sealed record LimitBar(string Name, string Text, double LeftShare, DateTimeOffset? FreesAt);

internal static class LimitBars
{
    public static IReadOnlyList<LimitBar> Of(LimitUsage usage)
    {
        var limits = usage.Limits;
        return
        [
            limits.RequestsPerMinute is { } perMinute
                ? new("requests", $"{usage.RequestsLeft} of {limits.BucketSize} left in one go, {Words.Number(perMinute)} a minute", Share(usage.RequestsLeft, limits.BucketSize), FreesAt: null)
                : new("requests", "unlimited", 1, FreesAt: null),
            limits.ConcurrentRequests is { } atOnce
                ? new("concurrency", $"{usage.Running} of {Words.Number(atOnce)} under way", Share(atOnce - usage.Running, atOnce), FreesAt: null)
                : new("concurrency", $"{usage.Running} under way, unlimited", 1, FreesAt: null),
            Units("day", limits.UnitsPerDay, usage.Day, usage.Periods.Day),
            Units("month", limits.UnitsPerMonth, usage.Month, usage.Periods.Month),
        ];
    }

    private static LimitBar Units(string name, int? limit, UnitCount count, QuotaPeriod period)
    {
        var granted = count.Granted == 0 ? "" : $", {(count.Granted > 0 ? "+" : "")}{Words.Number(count.Granted)} granted";
        return limit is not { } most ? new(name, $"{Words.Number(count.Used)} units used, unlimited", 1, FreesAt: null)
            : new(name, $"{Words.Number(count.Left(limit) ?? 0)} of {Words.Number(most + count.Granted)} units left, {Words.Number(count.Used)} used{granted}", Share(count.Left(limit) ?? 0, most + count.Granted), period.End);
    }

    private static double Share(long left, long whole) => whole <= 0 ? 0 : Math.Clamp((double)left / whole, 0, 1);
}
