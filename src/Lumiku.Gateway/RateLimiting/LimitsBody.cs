using System.Text.Json.Serialization;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>What <c>GET /limits</c> says: every limit of one owner, what is used, what is left and when it frees.</summary>
/// <param name="User">Exactly one of this and <paramref name="Caller"/> is there.</param>
/// <param name="Tier">By which the limits hold.</param>
/// <param name="Known">For an operator alone. False: no request of this owner is remembered, and the tier is the one it would be served by if none was named.</param>
/// <param name="TimeZone">In which days and months begin.</param>
internal sealed record LimitsBody(
    string? User, string? Caller, string Tier, bool? Known, string TimeZone, RequestLimitBody Requests, ConcurrencyLimitBody Concurrency, UnitLimitBody Day, UnitLimitBody Month)
{
    public static LimitsBody Of(Account account, LimitUsage usage, bool isForOperator)
    {
        var (limits, owner) = (usage.Limits, account.Owner);
        return new LimitsBody(
            owner.IsUser ? owner.Id : null,
            owner.IsUser ? null : owner.Id,
            account.Tier,
            isForOperator ? usage.LastTier is not null : null,
            account.Calendar.TimeZone,
            limits.RequestsPerMinute is null ? new(Limit: null, Burst: null, Used: 0, Left: null, FreesAt: null)
                : new(limits.RequestsPerMinute, limits.BucketSize, limits.BucketSize - usage.RequestsLeft, usage.RequestsLeft, usage.NextRequestIn > TimeSpan.Zero ? Moment.RoundedUp(usage.At + usage.NextRequestIn) : null),
            new(limits.ConcurrentRequests, usage.Running, limits.ConcurrentRequests is { } atOnce ? Math.Max(0, atOnce - usage.Running) : null),
            Units(limits.UnitsPerDay, usage.Day, usage.Periods.Day),
            Units(limits.UnitsPerMonth, usage.Month, usage.Periods.Month));
    }

    private static UnitLimitBody Units(int? limit, UnitCount count, QuotaPeriod period) =>
        new(limit, count.Granted, count.Used, count.Reserved, count.Left(limit), Moment.RoundedUp(period.End));
}

/// <param name="Limit">A minute; null: unlimited, and not counted.</param>
/// <param name="Burst">How many in one go.</param>
/// <param name="Used">Of the burst, at this moment.</param>
/// <param name="FreesAt">When there is one more; null where none is used.</param>
internal sealed record RequestLimitBody(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Limit, int? Burst, int Used, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Left, string? FreesAt);

/// <param name="Limit">Null: unlimited.</param>
/// <param name="Used">Requests under way; one is free when it is answered, and nobody knows when that is.</param>
internal sealed record ConcurrencyLimitBody(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Limit, int Used, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Left);

/// <param name="Limit">Units; null: unlimited, and counted all the same.</param>
/// <param name="Granted">What an operator added to it; below 0: took from it.</param>
/// <param name="Used">With what is reserved.</param>
/// <param name="Reserved">For images that are being made.</param>
/// <param name="FreesAt">When the period ends.</param>
internal sealed record UnitLimitBody(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Limit,
    long Granted, long Used, long Reserved, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] long? Left, string FreesAt);
