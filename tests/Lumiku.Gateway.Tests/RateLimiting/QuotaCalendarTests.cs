using Lumiku.Gateway.RateLimiting;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Days and months are those of the place, whatever its clocks do.</summary>
public class QuotaCalendarTests
{
    [Theory]
    [InlineData("UTC", "2026-11-22T12:00:00Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z")]
    [InlineData("UTC", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z")]
    [InlineData("UTC", "2026-11-21T23:59:59.9999999Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")]
    [InlineData("Europe/Berlin", "2026-11-22T23:30:00Z", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z")]
    [InlineData("Asia/Kathmandu", "2026-11-22T18:15:00Z", "2026-11-22T18:15:00Z", "2026-11-23T18:15:00Z")]
    // 23 hours, and 25.
    [InlineData("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")]
    [InlineData("Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")]
    [InlineData("Australia/Lord_Howe", "2026-04-05T00:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z")]
    // Midnight is left out: the day begins at one.
    [InlineData("America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z")]
    [InlineData("Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z")]
    // The hour before midnight comes twice.
    [InlineData("America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z")]
    // The hour after midnight comes twice.
    [InlineData("America/Havana", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")]
    // The 30th never was.
    [InlineData("Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z")]
    [InlineData("Pacific/Apia", "2011-12-30T11:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z")]
    public void A_day_is_from_its_first_instant_to_the_next_days(string zone, string now, string start, string end)
    {
        var day = Calendar(zone).At(At(now)).Day;

        (day.Start, day.End).ShouldBe((At(start), At(end)));
    }

    [Theory]
    [InlineData("UTC", "2026-11-30T23:59:59Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")]
    [InlineData("UTC", "2026-12-31T12:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z")]
    [InlineData("UTC", "2100-02-28T23:00:00Z", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z")]
    [InlineData("Europe/Berlin", "2026-10-31T23:30:00Z", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z")]
    [InlineData("Europe/Berlin", "2026-03-15T00:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z")]
    [InlineData("Pacific/Apia", "2011-12-15T00:00:00Z", "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z")]
    public void A_month_is_the_calendars(string zone, string now, string start, string end)
    {
        var month = Calendar(zone).At(At(now)).Month;

        (month.Start, month.End).ShouldBe((At(start), At(end)));
    }

    /// <summary>Two years, one period after the other, in places with all kinds of clocks.</summary>
    [Theory]
    [InlineData("UTC")]
    [InlineData("Europe/Berlin")]
    [InlineData("Africa/Cairo")]
    [InlineData("America/Santiago")]
    [InlineData("America/Havana")]
    [InlineData("America/Nuuk")]
    [InlineData("Asia/Beirut")]
    [InlineData("Atlantic/Azores")]
    [InlineData("Australia/Lord_Howe")]
    [InlineData("Pacific/Chatham")]
    [InlineData("Africa/Casablanca")]
    public void Each_day_begins_where_the_one_before_ends_and_lies_in_its_month(string zone)
    {
        var calendar = Calendar(zone);
        var day = calendar.At(At("2026-01-05T12:00:00Z")).Day;
        for (var i = 0; i < 730; i++)
        {
            var next = calendar.At(day.End);
            next.Day.Start.ShouldBe(day.End);
            next.Day.Id.ShouldBe(day.Id + 1);
            next.Month.Contains(day.End).ShouldBeTrue();
            (next.Month.Start <= next.Day.Start && next.Day.End <= next.Month.End).ShouldBeTrue();
            calendar.At(next.Day.End.AddTicks(-1)).Day.ShouldBe(next.Day);
            (next.Day.End - next.Day.Start).TotalHours.ShouldBeInRange(23, 25);
            day = next.Day;
        }
    }

    private static QuotaCalendar Calendar(string zone) => new(TimeZoneInfo.FindSystemTimeZoneById(zone));

    private static DateTimeOffset At(string instant) => DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture);
}
