using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Who lacks units is told to come back only where units come back: what an operator granted or took ends with its day and month.</summary>
public class QuotaVerdictTests
{
    private const string Never = "more than the limit allows at all";

    private static readonly Account Anna = new(new Owner(IsUser: true, "anna"), "free", UsageLimits.None, new QuotaCalendar(TimeZoneInfo.Utc));

    [Fact]
    public async Task What_an_operator_took_today_is_there_again_tomorrow()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=10", "UnitsPerMonth=300");
        await bench.Store.GrantAsync(Anna, -10);

        var refused = await bench.AskAsync();
        LimitBench.ShouldRefuse(refused, "quota-exceeded", 43200, "day");
        refused.Error.ShouldNotContain(Never);
        refused.Json.GetProperty("detail").GetString().ShouldBe("Limits of the tier 'free': day: 10 units and -10 granted, 0 left, 1 needed; anew at 2026-11-23T00:00:00Z.");
        refused.Json.GetProperty("freesAt").GetRawText().ShouldBe("""{"day":"2026-11-23T00:00:00Z"}""");

        bench.Time.Advance(TimeSpan.FromHours(12));
        (await bench.AskAsync()).ShouldBeAnImage();
    }

    [Fact]
    public async Task What_fits_by_a_grant_alone_is_promised_for_no_other_day()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=5", $"Models:Catalog:{TestGateway.Xl}:Units=6");
        await bench.Store.GrantAsync(Anna, 5);
        (await bench.AskAsync(model: TestGateway.Xl)).ShouldBeAnImage();

        var never = await bench.AskAsync(model: TestGateway.Xl);

        LimitBench.ShouldRefuse(never, "quota-exceeded", 43200, "day");
        never.Error.ShouldContain(Never);
        never.Json.GetProperty("detail").GetString().ShouldBe("Limits of the tier 'free': day: 5 units and +5 granted, 4 left, 6 needed, which is more than there is without a grant.");
        never.Json.TryGetProperty("freesAt", out _).ShouldBeFalse("it never does");
    }

    /// <summary>Six units are asked for at noon.</summary>
    /// <param name="day">Of November.</param>
    [Theory]
    [InlineData(22, 10, 8, 0, 100, 8, 0, false, "day: 10 units, 2 left, 6 needed; anew at 2026-11-23T00:00:00Z")]
    [InlineData(22, 10, 8, 0, 10, 8, 0, false, "day: 10 units, 2 left, 6 needed; anew at 2026-11-23T00:00:00Z; month: 10 units, 2 left, 6 needed; anew at 2026-12-01T00:00:00Z")]
    [InlineData(22, 5, 0, 5, 10, 11, 5, true, "day: 5 units and +5 granted, 10 left, 6 needed, which is more than there is without a grant; month: 10 units and +5 granted, 4 left, 6 needed; anew at 2026-12-01T00:00:00Z")]
    [InlineData(22, 10, 8, 0, 5, 8, 20, false, "day: 10 units, 2 left, 6 needed; anew at 2026-11-23T00:00:00Z")] // Tomorrow is in the same month, whose grant goes on.
    [InlineData(30, 10, 8, 0, 5, 8, 20, true, "day: 10 units, 2 left, 6 needed; anew at 2026-12-01T00:00:00Z; month: 5 units and +20 granted, 17 left, 6 needed, which is more than there is without a grant")]
    [InlineData(22, 10, 0, 0, 5, 4, -1, true, "month: 5 units and -1 granted, 0 left, 6 needed, which is more than there is at all")]
    public void Day_and_month_are_both_judged_by_what_they_have_once_the_refusing_one_begins_anew(
        int day, int perDay, int spentToday, int grantedToday, int perMonth, int spent, int granted, bool isNever, string detail)
    {
        var limits = new UsageLimits { UnitsPerDay = perDay, UnitsPerMonth = perMonth };
        var noon = new DateTimeOffset(2026, 11, day, 12, 0, 0, TimeSpan.Zero);
        var (today, month) = (new UnitCount(spentToday, Reserved: 0, grantedToday), new UnitCount(spent, Reserved: 0, granted));
        var violated = (today.Fits(6, perDay) ? LimitPolicies.None : LimitPolicies.Day) | (month.Fits(6, perMonth) ? LimitPolicies.None : LimitPolicies.Month);

        var problem = LimitProblems.QuotaExceeded(
            Anna, violated, new LimitUsage(limits, RequestsLeft: 0, TimeSpan.Zero, Running: 0, today, month, Anna.Calendar.At(noon), noon, LastTier: null), units: 6);

        problem.Error.Contains(Never, StringComparison.Ordinal).ShouldBe(isNever);
        problem.Detail.ShouldBe($"Limits of the tier 'free': {detail}.");
    }
}
