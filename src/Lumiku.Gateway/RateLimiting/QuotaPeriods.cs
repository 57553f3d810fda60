namespace Lumiku.Gateway.RateLimiting;

/// <summary>A day or month in which units are counted, from <paramref name="Start"/> until just before <paramref name="End"/>.</summary>
/// <param name="Id">The calendar's own, whatever the time zone: of a day, its number; of a month, the months since the year 0.</param>
internal readonly record struct QuotaPeriod(int Id, DateTimeOffset Start, DateTimeOffset End)
{
    public bool Contains(DateTimeOffset instant) => Start <= instant && instant < End;
}

/// <summary>The day and the month of one moment.</summary>
internal sealed record QuotaPeriods(QuotaPeriod Day, QuotaPeriod Month);
