using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>The days and months of <c>Quota:TimeZone</c>.</summary>
/// <remarks>
/// A day begins at the first instant that has its date. That is midnight, but for places that change their clocks there: where midnight is
/// left out, the day begins later; where it comes twice, at the first; and a date that was skipped altogether (Samoa, 2011) never is.
/// </remarks>
internal sealed class QuotaCalendar
{
    /// <summary>No day or month is longer, a change of clocks or a skipped date included.</summary>
    private static readonly TimeSpan LongestDay = TimeSpan.FromHours(50);

    /// <inheritdoc cref="LongestDay"/>
    private static readonly TimeSpan LongestMonth = TimeSpan.FromDays(33);

    private readonly TimeZoneInfo _zone = TimeZoneInfo.Utc;
    private QuotaPeriods? _latest;

    public QuotaCalendar(TimeZoneInfo zone) => _zone = zone;

    public QuotaCalendar(QuotaOptions options, SettingsReader read)
    {
        if (IsName(options.TimeZone) && TimeZoneInfo.TryFindSystemTimeZoneById(options.TimeZone, out var zone))
        {
            _zone = zone;
        }
        else
        {
            read.Refuse("Quota:TimeZone", $"is '{options.TimeZone}', which is no IANA time zone that this machine knows, such as 'UTC' or 'Europe/Berlin'");
        }
    }

    /// <summary>Its name in the settings.</summary>
    public string TimeZone => _zone.Id;

    /// <summary>The periods of an instant; found by search once, and then kept until the day ends.</summary>
    public QuotaPeriods At(DateTimeOffset now)
    {
        var latest = Volatile.Read(ref _latest);
        // A month ends where a day does.
        if (latest is null || !latest.Day.Contains(now))
        {
            latest = new QuotaPeriods(
                Period(now, LongestDay, instant => DateOnly.FromDateTime(Local(instant)).DayNumber),
                Period(now, LongestMonth, instant => Local(instant) is var local ? (local.Year * 12) + local.Month - 1 : 0));
            Volatile.Write(ref _latest, latest);
        }

        return latest;
    }

    /// <summary>Files that lie among the zones and are none: the machine's own setting, and copies with other rules for leap seconds.</summary>
    private static bool IsName(string? name) =>
        !string.IsNullOrEmpty(name) && name is not ("localtime" or "posixrules" or "Factory")
        && !name.StartsWith("posix/", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("right/", StringComparison.OrdinalIgnoreCase);

    private DateTime Local(DateTimeOffset instant) => TimeZoneInfo.ConvertTime(instant, _zone).DateTime;

    private static QuotaPeriod Period(DateTimeOffset now, TimeSpan longest, Func<DateTimeOffset, int> id)
    {
        var current = id(now);
        return new QuotaPeriod(current, First(now - longest, now, current), First(now, now + longest, current + 1));

        // The first instant whose period is the wanted one or a later one: ids only ever grow.
        DateTimeOffset First(DateTimeOffset before, DateTimeOffset notBefore, int wanted)
        {
            var (early, late) = (before.UtcTicks, notBefore.UtcTicks);
            while (late - early > 1)
            {
                var middle = early + ((late - early) / 2);
                (early, late) = id(new DateTimeOffset(middle, TimeSpan.Zero)) >= wanted ? (early, middle) : (middle, late);
            }

            return new DateTimeOffset(late, TimeSpan.Zero);
        }
    }
}
