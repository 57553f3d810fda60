using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Every limit, allowed, at the last one and refused, as a backend sees it.</summary>
public class LimitHeaderTests
{
    private const string RequestsPolicy = "\"requests\";q=10;w=60";
    private const string DayPolicy = "\"day\";q=2;w=86400";
    private const string MonthPolicy = "\"month\";q=2;w=2592000";

    [Fact]
    public async Task Requests_a_minute()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=10", "Burst=2");

        LimitBench.ShouldSay(await AllowedAsync(bench), RequestsPolicy, "\"requests\";r=1;t=6");
        bench.Time.Advance(TimeSpan.FromMilliseconds(100));
        LimitBench.ShouldSay(await AllowedAsync(bench), RequestsPolicy, "\"requests\";r=0;t=6");

        var refused = await bench.AskAsync();
        LimitBench.ShouldRefuse(refused, "rate-limited", 6, "requests");
        LimitBench.ShouldSay(refused, RequestsPolicy, "\"requests\";r=0;t=6");
        refused.Error.ShouldBe("Too many requests: 10 a minute are taken, and 2 in one go. Ask again after Retry-After.");
        refused.Json.GetProperty("detail").GetString().ShouldBe("Limits of the tier 'free': requests: 10 a minute with 2 in one go; the next is taken in 6 s.");
        refused.Json.GetProperty("freesAt").GetRawText().ShouldBe("""{"requests":"2026-11-22T12:00:06Z"}""");

        bench.Time.Advance(TimeSpan.FromSeconds(5.8));
        LimitBench.ShouldRefuse(await bench.AskAsync(), "rate-limited", 1, "requests");
        bench.Time.Advance(TimeSpan.FromMilliseconds(100));
        LimitBench.ShouldSay(await AllowedAsync(bench), RequestsPolicy, "\"requests\";r=0;t=6");
        bench.Time.Advance(TimeSpan.FromSeconds(6));
        await AllowedAsync(bench);
        LimitBench.ShouldRefuse(await bench.AskAsync(), "rate-limited", 6, "requests");
    }

    [Fact]
    public async Task Without_a_burst_the_whole_minute_may_come_in_one_go()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=3");

        await AllowedAsync(bench);
        await AllowedAsync(bench);
        LimitBench.ShouldSay(await AllowedAsync(bench), "\"requests\";q=3;w=60", "\"requests\";r=0;t=20");
        LimitBench.ShouldRefuse(await bench.AskAsync(), "rate-limited", 20, "requests");
    }

    [Fact]
    public async Task Requests_at_once()
    {
        await using var bench = await LimitBench.StartAsync("ConcurrentRequests=2");
        const string Policy = "\"concurrency\";q=2";
        LimitBench.ShouldSay(await AllowedAsync(bench), Policy, "\"concurrency\";r=2");

        var stall = new ManualTime();
        await using var slow = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = stall });
        await using var gateway = await TestGateway.StartAsync(slow, new ManualTime(), "Tiers:free:ConcurrentRequests=2");
        slow.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var first = gateway.GenerateAsync(TestGateway.Sd3, """{"inputs":"1"}""", "free");
        await Eventually.BeAsync(() => slow.Received.Count == 1, "one is under way");
        var last = gateway.GenerateAsync(TestGateway.Sd3, """{"inputs":"2"}""", "free");
        await Eventually.BeAsync(() => slow.Received.Count == 2, "two are under way");

        var refused = await gateway.GenerateAsync(TestGateway.Sd3, """{"inputs":"3"}""", "free");

        LimitBench.ShouldRefuse(refused, "too-many-at-once", 5, "concurrency");
        LimitBench.ShouldSay(refused, Policy, "\"concurrency\";r=0");
        refused.Error.ShouldBe("Too many requests at once: 2 may be under way. Wait for the answer to one of them.");
        refused.Json.TryGetProperty("freesAt", out _).ShouldBeFalse("nobody knows");
        slow.Received.Count.ShouldBe(2);
        stall.Advance(TimeSpan.FromSeconds(1));
        var answers = await Task.WhenAll(first, last);
        // Whichever is answered last leaves both free, for whoever reads it.
        answers.Select(answer => answer.Header("RateLimit")).ShouldContain("\"concurrency\";r=2");
        answers.Select(answer => answer.Header("RateLimit")).ShouldBeSubsetOf(["\"concurrency\";r=1", "\"concurrency\";r=2"]);
    }

    [Fact]
    public async Task Units_a_day()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=2");

        LimitBench.ShouldSay(await AllowedAsync(bench), DayPolicy, "\"day\";r=1;t=43200");
        bench.Time.Advance(TimeSpan.FromHours(1));
        LimitBench.ShouldSay(await AllowedAsync(bench), DayPolicy, "\"day\";r=0;t=39600");
        bench.Time.Advance(TimeSpan.FromMilliseconds(1));

        var refused = await bench.AskAsync();
        LimitBench.ShouldRefuse(refused, "quota-exceeded", 39600, "day");
        LimitBench.ShouldSay(refused, DayPolicy, "\"day\";r=0;t=39600");
        refused.Error.ShouldBe("The units of this day are used up; this image needs 1. There are more from 2026-11-23T00:00:00Z on.");
        refused.Json.GetProperty("detail").GetString().ShouldBe("Limits of the tier 'free': day: 2 units, 0 left, 1 needed; anew at 2026-11-23T00:00:00Z.");
        refused.Json.GetProperty("freesAt").GetRawText().ShouldBe("""{"day":"2026-11-23T00:00:00Z"}""");

        bench.Time.Advance(TimeSpan.FromHours(11) - TimeSpan.FromMilliseconds(2));
        LimitBench.ShouldRefuse(await bench.AskAsync(), "quota-exceeded", 1, "day");
        bench.Time.Advance(TimeSpan.FromMilliseconds(1));
        LimitBench.ShouldSay(await AllowedAsync(bench), DayPolicy, "\"day\";r=1;t=86400");
    }

    [Fact]
    public async Task Units_a_month()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerMonth=2");

        LimitBench.ShouldSay(await AllowedAsync(bench), MonthPolicy, "\"month\";r=1;t=734400");
        LimitBench.ShouldSay(await AllowedAsync(bench), MonthPolicy, "\"month\";r=0;t=734400");
        var refused = await bench.AskAsync();
        LimitBench.ShouldRefuse(refused, "quota-exceeded", 734400, "month");
        LimitBench.ShouldSay(refused, MonthPolicy, "\"month\";r=0;t=734400");

        bench.Time.Advance(TimeSpan.FromSeconds(734400));
        LimitBench.ShouldSay(await AllowedAsync(bench), "\"month\";q=2;w=2678400", "\"month\";r=1;t=2678400");
    }

    [Fact]
    public async Task Day_and_month_together_are_both_named_and_the_later_one_counts()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=1", "UnitsPerMonth=1");
        await AllowedAsync(bench);

        var refused = await bench.AskAsync();

        LimitBench.ShouldRefuse(refused, "quota-exceeded", 734400, "day", "month");
        refused.Json.GetProperty("freesAt").GetRawText().ShouldBe("""{"day":"2026-11-23T00:00:00Z","month":"2026-12-01T00:00:00Z"}""");
    }

    [Fact]
    public async Task All_four_are_one_list_in_one_order()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=10", "Burst=5", "ConcurrentRequests=1", "UnitsPerDay=10", "UnitsPerMonth=300");

        LimitBench.ShouldSay(
            await AllowedAsync(bench),
            "\"requests\";q=10;w=60, \"concurrency\";q=1, \"day\";q=10;w=86400, \"month\";q=300;w=2592000",
            "\"requests\";r=4;t=6, \"concurrency\";r=1, \"day\";r=9;t=43200, \"month\";r=299;t=734400");
    }

    [Fact]
    public async Task An_image_of_several_units_needs_them_all()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=5", $"Models:Catalog:{TestGateway.Sd3}:Units=3", $"Models:Catalog:{TestGateway.Xl}:Units=6");
        LimitBench.ShouldSay(await AllowedAsync(bench), "\"day\";q=5;w=86400", "\"day\";r=2;t=43200");

        var refused = await bench.AskAsync();
        LimitBench.ShouldRefuse(refused, "quota-exceeded", 43200, "day");
        refused.Json.GetProperty("detail").GetString().ShouldBe("Limits of the tier 'free': day: 5 units, 2 left, 3 needed; anew at 2026-11-23T00:00:00Z.");

        var never = await bench.AskAsync(model: TestGateway.Xl);
        LimitBench.ShouldRefuse(never, "quota-exceeded", 43200, "day");
        never.Error.ShouldBe("This image needs 6 units, which is more than the limit allows at all. Kept images still cost none; a new one needs another tier.");
        never.Json.GetProperty("detail").GetString().ShouldBe("Limits of the tier 'free': day: 5 units, 2 left, 6 needed, which is more than there is at all.");
        never.Json.TryGetProperty("freesAt", out _).ShouldBeFalse("it never does");
    }

    [Fact]
    public async Task A_limit_of_no_units_leaves_kept_images_and_promises_nothing()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=0");
        (await bench.AskAsync(user: null, FlightBench.Body)).ShouldBeAnImage();

        FlightBench.ShouldBeBy(await bench.AskAsync(body: FlightBench.Body), "HIT", units: 0);
        var refused = await bench.AskAsync();

        refused.ShouldBe(429, "quota-exceeded");
        refused.Error.ShouldContain("more than the limit allows at all");
    }

    [Fact]
    public async Task A_wait_that_was_told_holds_though_the_caller_looks_at_another_tier()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=10", "Burst=5", "Tiers:internal:RequestsPerMinute=600", "Tiers:internal:Burst=20");
        await bench.AskAsync(user: null, FlightBench.Body);
        for (var i = 1; i < 20; i++)
        {
            (await bench.AskAsync(user: null, FlightBench.Body)).ShouldBeAnImage();
        }

        LimitBench.ShouldRefuse(await bench.AskAsync(user: null, FlightBench.Body), "rate-limited", 1, "requests");
        await bench.GetAsync("/limits", user: null, tier: "free");
        bench.Time.Advance(TimeSpan.FromSeconds(1));

        (await bench.AskAsync(user: null, FlightBench.Body)).ShouldBeAnImage();
    }

    [Fact]
    public async Task A_day_of_25_hours_is_one()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=2", "Quota:TimeZone=Europe/Berlin");
        bench.Time.StepTo(new DateTimeOffset(2026, 10, 24, 22, 0, 0, TimeSpan.Zero));

        LimitBench.ShouldSay(await AllowedAsync(bench), "\"day\";q=2;w=90000", "\"day\";r=1;t=90000");
    }

    [Fact]
    public async Task A_kept_image_costs_a_place_in_requests_and_no_unit()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=10", "Burst=5", "UnitsPerDay=1");
        const string Policy = "\"requests\";q=10;w=60, \"day\";q=1;w=86400";
        LimitBench.ShouldSay(await bench.AskAsync(body: FlightBench.Body), Policy, "\"requests\";r=4;t=6, \"day\";r=0;t=43200");

        var hit = await bench.AskAsync(body: FlightBench.Body);

        FlightBench.ShouldBeBy(hit, "HIT", units: 0);
        LimitBench.ShouldSay(hit, Policy, "\"requests\";r=3;t=6, \"day\";r=0;t=43200");
        // A refusal at the units has used its place in requests, and no more.
        LimitBench.ShouldSay(await bench.AskAsync(), Policy, "\"requests\";r=2;t=6, \"day\";r=0;t=43200");
        bench.HuggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_is_refused_at_requests_uses_no_unit_and_no_place()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=1", "UnitsPerDay=9", "ConcurrentRequests=1");
        await AllowedAsync(bench);

        for (var i = 0; i < 10; i++)
        {
            LimitBench.ShouldRefuse(await bench.AskAsync(), "rate-limited", 60, "requests");
        }

        LimitBench.ShouldSay(
            await bench.AskAsync(),
            "\"requests\";q=1;w=60, \"concurrency\";q=1, \"day\";q=9;w=86400",
            "\"requests\";r=0;t=60, \"concurrency\";r=1, \"day\";r=8;t=43200");
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        await AllowedAsync(bench);
    }

    [Fact]
    public async Task A_generation_that_fails_gives_its_units_back()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=2");
        bench.HuggingFace.BehaveNext(Misbehaviour.Empty500);

        var failed = await bench.AskAsync();

        failed.ShouldBe(502, "upstream-failed");
        LimitBench.ShouldSay(failed, DayPolicy, "\"day\";r=2;t=43200");
        LimitBench.ShouldSay(await AllowedAsync(bench), DayPolicy, "\"day\";r=1;t=43200");
    }

    [Fact]
    public async Task A_fallback_that_costs_less_gives_the_difference_back()
    {
        await using var bench = await LimitBench.StartAsync(
            "UnitsPerDay=9", "Tiers:free:Entitlements:0=PRO", $"Models:Catalog:{TestGateway.Dev}:Units=5", $"Models:Catalog:{TestGateway.Schnell}:Units=2");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);

        var answer = await bench.AskAsync(model: TestGateway.Dev);

        FlightBench.ShouldBeBy(answer, "MISS", units: 2);
        LimitBench.ShouldSay(answer, "\"day\";q=9;w=86400", "\"day\";r=7;t=43200");
    }

    [Fact]
    public async Task A_look_at_a_model_takes_a_place_in_requests_alone()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=10", "Burst=1", "ConcurrentRequests=1", "UnitsPerDay=1");

        var look = await bench.GetAsync($"/models/{TestGateway.Sd3}");

        ((int)look.Status).ShouldBe(200);
        LimitBench.ShouldSay(look, RequestsPolicy, "\"requests\";r=0;t=6");
        var refused = await bench.GetAsync($"/models/{TestGateway.Sd3}");
        LimitBench.ShouldRefuse(refused, "rate-limited", 6, "requests");
        LimitBench.ShouldSay(refused, RequestsPolicy, "\"requests\";r=0;t=6");
    }

    [Fact]
    public async Task A_model_that_makes_no_image_is_under_requests_and_at_once()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=10", "Burst=2", "ConcurrentRequests=1", "UnitsPerDay=1", "Models:Catalog:acme/words:Output=Json");

        for (var i = 0; i < 2; i++)
        {
            var answer = await bench.AskAsync(model: "acme/words");
            LimitBench.ShouldSay(answer, "\"requests\";q=10;w=60, \"concurrency\";q=1", $"\"requests\";r={1 - i};t=6, \"concurrency\";r=1");
        }
    }

    [Fact]
    public async Task Without_limits_nothing_is_said()
    {
        await using var bench = await LimitBench.StartAsync();

        var answer = await AllowedAsync(bench);

        answer.Headers.Keys.ShouldNotContain(name => name.StartsWith("RateLimit", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task What_is_refused_before_the_limits_uses_nothing_and_says_nothing()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=1");

        foreach (var answer in new[] { await bench.AskAsync(body: "{"), await bench.AskAsync(tier: "gold"), await bench.AskAsync(body: """{"inputs":"a","parameters":{"width":"wide"}}""") })
        {
            ((int)answer.Status).ShouldBeInRange(400, 422);
            answer.Header("RateLimit").ShouldBe("");
        }

        await AllowedAsync(bench);
    }

    [Fact]
    public async Task The_reset_that_is_told_stays_the_same_moment_over_a_day_and_what_is_left_only_falls()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=40", "Quota:TimeZone=Europe/Berlin");
        var resets = new HashSet<DateTimeOffset>();
        var left = new List<int>();
        for (var i = 0; i < 30; i++)
        {
            bench.Time.Advance(TimeSpan.FromMinutes(20));
            var parameters = (await AllowedAsync(bench)).Header("RateLimit").Split(';');
            left.Add(int.Parse(parameters[1][2..]));
            resets.Add(bench.Time.GetUtcNow().AddSeconds(int.Parse(parameters[2][2..])));
        }

        resets.ShouldBe([new DateTimeOffset(2026, 11, 22, 23, 0, 0, TimeSpan.Zero)]);
        left.ShouldBe(Enumerable.Range(10, 30).Reverse());
    }

    private static async Task<Answer> AllowedAsync(LimitBench bench)
    {
        var answer = await bench.AskAsync();
        answer.ShouldBeAnImage();
        return answer;
    }
}
