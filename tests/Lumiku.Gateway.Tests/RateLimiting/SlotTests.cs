using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>A slot belongs to the caller's request, and however that ends it is free.</summary>
public class SlotTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_caller_who_leaves_frees_its_slot_while_its_image_is_still_being_made()
    {
        await using var bench = await StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        using var leaving = new CancellationTokenSource();
        var leaver = bench.AskAsync("""{"inputs":"1"}""", user: "anna", leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        (await bench.AskAsync("""{"inputs":"2"}""", user: "anna")).ShouldBe(429, "too-many-at-once");

        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(leaver);

        await ShouldBeFreeAsync(bench);
        var next = bench.AskAsync("""{"inputs":"2"}""", user: "anna");
        await bench.ShouldRenderAsync(2);
        bench.UpstreamTime.Advance(Rendering);
        (await next).ShouldBeAnImage();
        await ShouldBeFreeAsync(bench);
    }

    [Fact]
    public async Task A_slot_is_free_before_the_first_byte_of_the_answer()
    {
        await using var bench = await StartAsync();
        for (var i = 0; i < 50; i++)
        {
            // The headers are here; nobody has read the image, nor may ever.
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json($$"""{"inputs":"{{i / 2}}"}""") };
            request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
            request.Headers.Add("X-Lumiku-User", "anna");
            request.Headers.Add("X-Lumiku-Tier", "pro");
            var answer = await bench.Gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            ((int)answer.StatusCode).ShouldBe(200, $"request {i}");
            answer.Headers.GetValues("RateLimit").ShouldBe(["\"concurrency\";r=1"]);
        }
    }

    [Fact]
    public async Task An_upstream_that_stalls_holds_the_slot_until_the_wait_limit_and_no_longer()
    {
        await using var bench = await StartAsync("Generation:WaitLimit=00:01:00");
        bench.HuggingFace.Behave("*", Misbehaviour.StallMidBody(1_000));
        var waiting = bench.AskAsync(user: "anna");
        await bench.ShouldWaitAsync(1);
        for (var i = 0; i < 11; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(5));
        }

        (await bench.AskAsync("""{"inputs":"2"}""", user: "anna")).ShouldBe(429, "too-many-at-once");
        bench.Time.Advance(TimeSpan.FromSeconds(5));

        (await waiting).ShouldBe(504, "still-generating");
        await ShouldBeFreeAsync(bench);
    }

    [Fact]
    public async Task An_exception_in_the_middle_frees_the_slot_and_the_answer_still_says_what_is_left()
    {
        var ledger = new RecordingLedger { Decide = _ => throw new InvalidOperationException("A bug.") };
        await using var bench = await FlightBench.StartAsync(ledger, "Tiers:pro:ConcurrentRequests=1");

        for (var i = 0; i < 3; i++)
        {
            var broken = await bench.AskAsync(user: "anna");
            broken.ShouldBe(500, "internal");
            broken.Header("RateLimit").ShouldBe("\"concurrency\";r=1");
        }

        await ShouldBeFreeAsync(bench);
    }

    [Fact]
    public async Task A_gateway_that_stops_waiting_by_itself_frees_the_slot()
    {
        await using var bench = await StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        var waiting = bench.AskAsync(user: "anna");
        await bench.ShouldRenderAsync(1);
        var timers = bench.Time.Waiting;
        var stopping = bench.Gateway.StopAsync();
        await Eventually.BeAsync(() => bench.Time.Waiting >= timers + 2, "the grace and the limit are running");

        bench.Time.Advance(new ShutdownOptions().DrainLimit);

        (await waiting).ShouldBe(504, "still-generating");
        await ShouldBeFreeAsync(bench);
        bench.UpstreamTime.Advance(Rendering);
        bench.Time.Advance(TimeSpan.FromMinutes(5));
        await stopping;
    }

    [Theory]
    [InlineData("png-without-end")]
    [InlineData("empty-500")]
    [InlineData("html-200")]
    public async Task A_generation_that_fails_frees_the_slot(string kind)
    {
        await using var bench = await StartAsync("Generation:FailureMemory=00:00:00");
        bench.HuggingFace.Behave("*", Misbehaviour.Parse(kind));

        for (var i = 0; i < 3; i++)
        {
            ((int)(await bench.AskAsync(user: "anna")).Status).ShouldBe(502);
        }

        await ShouldBeFreeAsync(bench);
    }

    [Fact]
    public async Task A_caller_who_breaks_off_in_the_middle_of_the_image_has_long_freed_it()
    {
        await using var bench = await StartAsync();
        for (var i = 0; i < 10; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(FlightBench.Body) };
            request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
            request.Headers.Add("X-Lumiku-User", "anna");
            request.Headers.Add("X-Lumiku-Tier", "pro");
            using var answer = await bench.Gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            ((int)answer.StatusCode).ShouldBe(200);
        }

        await ShouldBeFreeAsync(bench);
    }

    [Fact]
    public async Task A_request_that_takes_minutes_keeps_its_slot()
    {
        await using var bench = await StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        var waiting = bench.AskAsync("""{"inputs":"1"}""", user: "anna");
        await bench.ShouldRenderAsync(1);

        for (var i = 0; i < 30; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(5));
            (await bench.AskAsync("""{"inputs":"2"}""", user: "anna")).ShouldBe(429, "too-many-at-once");
        }

        bench.UpstreamTime.Advance(Rendering);
        (await waiting).ShouldBeAnImage();
    }

    [Fact]
    public async Task Who_has_neither_a_slot_nor_a_place_in_requests_is_told_to_wait_for_both()
    {
        await using var bench = await StartAsync("Tiers:pro:RequestsPerMinute=60", "Tiers:pro:Burst=1");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        var waiting = bench.AskAsync("{\"inputs\":\"1\"}", user: "anna");
        await bench.ShouldRenderAsync(1);

        LimitBench.ShouldRefuse(await bench.AskAsync("{\"inputs\":\"2\"}", user: "anna"), "rate-limited", 5, "requests", "concurrency");

        bench.UpstreamTime.Advance(Rendering);
        (await waiting).ShouldBeAnImage();
    }

    [Fact]
    public async Task Units_stay_reserved_for_as_long_as_a_generation_may_take()
    {
        await using var bench = await FlightBench.StartAsync("Tiers:pro:UnitsPerDay=1");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        var asking = bench.AskAsync("{\"inputs\":\"1\"}", user: "anna");
        await bench.ShouldRenderAsync(1);
        bench.Time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        (await asking).ShouldBe(504, "still-generating");

        (await bench.AskAsync("{\"inputs\":\"2\"}", user: "anna")).ShouldBe(429, "quota-exceeded");

        bench.UpstreamTime.Advance(Rendering);
        await bench.ShouldEndEmptyAsync();
        FlightBench.ShouldBeBy(await bench.AskAsync("{\"inputs\":\"1\"}", user: "anna"), "HIT", units: 0);
        (await bench.AskAsync("{\"inputs\":\"2\"}", user: "anna")).ShouldBe(429, "quota-exceeded");
    }

    private static Task<FlightBench> StartAsync(params string[] settings) => FlightBench.StartAsync(["Tiers:pro:ConcurrentRequests=1", .. settings]);

    private static Task ShouldBeFreeAsync(FlightBench bench)
    {
        var (held, store) = (bench.Gateway.Services.GetRequiredService<HeldLeases>(), bench.Gateway.Services.GetRequiredService<ILimitStore>());
        var anna = new Account(new Owner(IsUser: true, "anna"), "pro", UsageLimits.None, new QuotaCalendar(TimeZoneInfo.Utc));
        return Eventually.BeAsync(async () => held.Count == 0 && (await store.LookAsync(anna)).Running == 0, "no slot is held");
    }
}
