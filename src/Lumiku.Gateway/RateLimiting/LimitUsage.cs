using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>What an owner has used at one moment.</summary>
/// <param name="Limits">By which it was judged: the account's, or this replica's share of them while it decides alone.</param>
/// <param name="RequestsLeft">Requests that would be taken now, one after the other. Without meaning where they are unlimited.</param>
/// <param name="NextRequestIn">Until there is one more; zero while the bucket is full.</param>
/// <param name="Running">Requests under way.</param>
/// <param name="LastTier">The tier that was named last; null: none was yet.</param>
internal readonly record struct LimitUsage(
    UsageLimits Limits, int RequestsLeft, TimeSpan NextRequestIn, int Running, UnitCount Day, UnitCount Month, QuotaPeriods Periods, DateTimeOffset At, string? LastTier)
{
    /// <summary>Until the day ends.</summary>
    public TimeSpan DayEndsIn => Periods.Day.End - At;

    /// <summary>Until the month ends.</summary>
    public TimeSpan MonthEndsIn => Periods.Month.End - At;

    /// <summary>For the request's line in the log: what counts against its quotas before it takes units of its own.</summary>
    public void Tell(RequestRecord record)
    {
        record.Facts["UnitsToday"] = Day.Used - Day.Granted;
        record.Facts["UnitsThisMonth"] = Month.Used - Month.Granted;
    }
}

/// <summary>Units of one owner in one period.</summary>
/// <param name="Spent">Of images that were made.</param>
/// <param name="Reserved">Set aside for generations under way.</param>
/// <param name="Granted">What an operator added to the limit; below 0: took from it.</param>
internal readonly record struct UnitCount(long Spent, long Reserved, long Granted)
{
    public long Used => Spent + Reserved;

    public static UnitCount operator +(UnitCount left, UnitCount right) => new(left.Spent + right.Spent, left.Reserved + right.Reserved, left.Granted + right.Granted);

    /// <summary>Never below 0; null where there is no limit.</summary>
    public long? Left(int? limit) => limit is null ? null : Math.Max(0, limit.Value + Granted - Used);

    /// <summary>Something that costs nothing always fits.</summary>
    public bool Fits(int units, int? limit) => units == 0 || limit is null || Used + units <= limit + Granted;
}
