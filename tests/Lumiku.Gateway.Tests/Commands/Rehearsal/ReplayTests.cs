using System.Text.Json;
using Lumiku.Gateway.Commands.Rehearsal;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Commands.Rehearsal;

/// <summary>What real traffic would take minutes to show, by lines that are written here.</summary>
public class ReplayTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_request_of_a_minute_holds_its_slot_for_a_minute()
    {
        var verdicts = await ReplayAsync("Tiers:free:ConcurrentRequests=1", Line(0, 60_000), Line(59, 500), Line(61, 500));

        verdicts.Select(verdict => verdict.Refusal).ShouldBe([null, "too-many-at-once", null]);
    }

    [Fact]
    public async Task A_slot_is_free_before_the_first_byte_however_long_the_answer_takes()
    {
        var verdicts = await ReplayAsync("Tiers:free:ConcurrentRequests=1", Line(0, 60_000, ("FirstByteMs", 2_000)), Line(3, 500));

        verdicts.ShouldAllBe(verdict => verdict.Refusal == null);
    }

    [Fact]
    public async Task Who_was_refused_and_is_not_any_more_takes_as_long_as_the_models_images_do()
    {
        var refused = Line(100, 1, ("Outcome", "rate-limited"), ("ViolatedPolicies", "requests"), ("Cache", null), ("Units", null), ("UnitsWanted", null));

        var verdicts = await ReplayAsync("Tiers:free:ConcurrentRequests=1", Line(0, 10_000), refused, Hit(109), Hit(111));

        verdicts.Select(verdict => verdict.Refusal).ShouldBe([null, null, "too-many-at-once", null]);
        verdicts[1].Units.ShouldBe(1);

        static string Hit(int begins) => Line(begins, 5, ("Cache", "HIT"), ("Units", 0), ("UnitsWanted", null));
    }

    [Fact]
    public async Task A_tier_or_caller_that_is_gone_refuses_its_users()
    {
        var verdicts = await ReplayAsync("DefaultTier=free", Line(0, 1, ("Tier", "gold")), Line(1, 1, ("Caller", "nobody")));

        verdicts.Select(verdict => verdict.Refusal).ShouldBe(["unknown-tier", "unauthenticated"]);
    }

    [Fact]
    public async Task Without_secrets_every_caller_of_the_log_is_known()
    {
        var verdicts = await ReplayAsync("DefaultTier=free", knowsEveryCaller: true, Line(0, 1, ("Caller", "nobody")), Line(1, 1, ("Caller", "self"), ("User", null), ("TierFrom", "caller"), ("Tier", "basic")));

        verdicts.ShouldAllBe(verdict => verdict.Refusal == null);
    }

    [Fact]
    public async Task What_was_refused_by_no_limit_of_a_tier_stays_refused_and_costs_nothing()
    {
        var abandoned = Line(0, 1, ("Outcome", "too-many-at-once"), ("Cache", null), ("Units", null), ("UnitsWanted", 1));

        var verdicts = await ReplayAsync("Tiers:free:UnitsPerDay=1", abandoned, Line(1, 1));

        verdicts.Select(verdict => (verdict.Refusal, verdict.Units)).ShouldBe([("too-many-at-once", 0), (null, 1)]);
    }

    [Fact]
    public void Other_lines_are_passed_over_and_broken_ones_counted()
    {
        var logged = LoggedRequests.Of(
        [
            Line(0, 1), "", """{"@t":"2026-11-22T12:00:00Z","@m":"Now listening"}""", """{"Outcome":"unauthenticated","Path":"/models/a/b"}""",
            Line(0, 1)[..^20], "warn: something else", """{"Outcome":7}""", Line(0, 1, ("TierFrom", null)), Line(0, 1, ("ElapsedMs", 1e300)), "null",
        ]);

        (logged.Requests.Count, logged.PassedOver, logged.Broken).ShouldBe((1, 3, 3));
    }

    private static Task<Verdict[]> ReplayAsync(string setting, params string[] lines) => ReplayAsync(setting, knowsEveryCaller: false, lines);

    private static async Task<Verdict[]> ReplayAsync(string setting, bool knowsEveryCaller, params string[] lines)
    {
        var configuration = new GatewayConfiguration(TestGateway.Arguments(new Uri("http://127.0.0.1/"), setting));
        var settings = GatewaySettings.Read(configuration.Candidate(configuration.FileContent), out var mistakes);
        mistakes.ShouldBeEmpty();
        using var replay = new Replay(settings, knowsEveryCaller);
        var logged = LoggedRequests.Of(lines);
        logged.Requests.Count.ShouldBe(lines.Length);
        return await replay.RunAsync(logged.Requests);
    }

    /// <summary>An image that was made for a user of the tier <c>free</c>.</summary>
    /// <param name="begins">Seconds after noon.</param>
    /// <param name="change">Fields that are otherwise; null: it has none.</param>
    private static string Line(int begins, double elapsed, params (string Field, object? Value)[] change)
    {
        Dictionary<string, object?> fields = new()
        {
            ["@t"] = Noon.AddSeconds(begins).AddMilliseconds(elapsed),
            ["Method"] = "POST",
            ["Path"] = $"/models/{TestGateway.Sd3}",
            ["Outcome"] = "ok",
            ["ElapsedMs"] = elapsed,
            ["Caller"] = "backend",
            ["User"] = "0123456789ab",
            ["Tier"] = "free",
            ["TierFrom"] = "request",
            ["ServedModel"] = TestGateway.Sd3,
            ["Cache"] = "MISS",
            ["Units"] = 1,
            ["UnitsWanted"] = 1,
            ["UnitsToday"] = 0,
            ["UnitsThisMonth"] = 0,
        };
        foreach (var (field, value) in change)
        {
            fields[field] = value;
        }

        return JsonSerializer.Serialize(fields.Where(field => field.Value is not null).ToDictionary());
    }
}
