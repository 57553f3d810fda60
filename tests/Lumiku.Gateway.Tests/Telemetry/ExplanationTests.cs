using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>Each request has a story at <c>/explain/{its id}</c>: what it got, and why.</summary>
public class ExplanationTests
{
    private const string Body = """{"inputs":"a heron","parameters":{"seed":1,"num_inference_steps":30,"guidance_scale":3.5}}""";

    [Fact]
    public async Task A_substitution_names_the_entitlement_that_was_missing_and_the_parameters_that_were_changed()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, Explained.WithOperator);

        var answer = await gateway.GenerateAsync(TestGateway.Dev, Body, "free");

        answer.ShouldBeAnImage();
        var story = await gateway.StoryOfAsync(answer);
        (story.At("status").GetInt32(), story.Say("outcome"), story.Say("caller"), story.Say("tier")).ShouldBe((200, "ok", "backend", "free"));
        story.Say("user")!.ShouldMatch("^user #[0-9a-f]{12}$");
        (story.Say("asked", "method"), story.Say("asked", "path"), story.Say("asked", "model")).ShouldBe(("POST", $"/models/{TestGateway.Dev}", TestGateway.Dev));
        (story.At("asked", "bodyBytes").GetInt32(), story.At("asked", "promptBytes").GetInt32()).ShouldBe((Body.Length, "a heron".Length));
        (story.Say("served", "model"), story.Say("served", "rule"), story.Say("served", "because")).ShouldBe((TestGateway.Schnell, "entitlement", "PRO"));
        story.At("served", "changedParameters").EnumerateArray().Select(name => name.GetString()).ShouldBe(["guidance_scale", "num_inference_steps"]);
        (story.At("units").GetInt32(), story.At("settings").GetInt32(), story.Say("traceId")!.Length).ShouldBe((1, 1, 32));
        story.Say("summary")!.ShouldContain("needs the entitlement PRO, which the tier 'free' lacks");
        story.At("durationMs").GetDouble().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_miss_has_its_attempt_and_the_hit_after_it_the_images_age_and_no_unit()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var asking = bench.AskAsync();
        await bench.ShouldRenderAsync(1);
        bench.Time.Advance(TimeSpan.FromSeconds(3));
        bench.UpstreamTime.Advance(TimeSpan.FromSeconds(1));
        var miss = await bench.Gateway.StoryOfAsync(await asking);
        bench.Time.Advance(TimeSpan.FromSeconds(34));

        var hit = await bench.Gateway.StoryOfAsync(await bench.AskAsync());

        (miss.Say("cache", "result"), miss.Say("generation", "role"), miss.At("units").GetInt32()).ShouldBe(("MISS", "opened", 1));
        miss.Say("cache", "why").ShouldBe("no image was kept for an equal request; it is kept from now on");
        var attempt = miss.At("generation", "attempts").EnumerateArray().Single();
        (attempt.Say("model"), attempt.Say("destination"), attempt.At("status").GetInt32(), attempt.Say("decision")).ShouldBe((TestGateway.Dev, "primary", 200, "an image"));
        (attempt.At("startMs").GetDouble(), attempt.At("durationMs").GetDouble()).ShouldBe((0, 3000));
        (hit.Say("cache", "result"), hit.At("cache", "ageSeconds").GetInt32(), hit.At("units").GetInt32()).ShouldBe(("HIT", 34, 0));
        hit.TryGetProperty("generation", out _).ShouldBeFalse();
        hit.Say("summary").ShouldBe("An image that was kept 34 s before was served: upstream was not asked and no unit was charged.");
        hit.Say("asked", "likeness").ShouldBe(miss.Say("asked", "likeness"));
    }

    [Fact]
    public async Task Those_who_share_a_generation_are_told_so_with_the_same_attempts()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var first = bench.AskAsync();
        await bench.ShouldRenderAsync(1);
        bench.Time.Advance(TimeSpan.FromSeconds(2));
        var second = bench.AskAsync();
        await bench.ShouldWaitAsync(2);
        bench.UpstreamTime.Advance(TimeSpan.FromSeconds(1));

        var opened = await bench.Gateway.StoryOfAsync(await first);
        var shared = await bench.Gateway.StoryOfAsync(await second);

        (opened.Say("generation", "role"), opened.Say("cache", "result")).ShouldBe(("opened", "MISS"));
        (shared.Say("generation", "role"), shared.Say("cache", "result"), shared.At("units").GetInt32()).ShouldBe(("shared", "COALESCED", 0));
        opened.At("generation", "attempts").Each("startMs").ShouldBe(["0"]);
        shared.At("generation", "attempts").Each("startMs").ShouldBe(["-2000"]);
        shared.At("generation", "attempts").Each("durationMs").ShouldBe(opened.At("generation", "attempts").Each("durationMs"));
    }

    [Theory]
    [InlineData("no-store", "BYPASS", "the request said no-store (or X-Use-Cache: false): nothing is read, kept or shared")]
    [InlineData("no-cache", "MISS", "not read, as the request said no-cache; it is kept from now on")]
    public async Task What_a_request_says_of_the_cache_is_why_it_was_not_used(string cacheControl, string result, string why)
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        await bench.AskAsync();

        var story = await bench.Gateway.StoryOfAsync(await bench.AskAsync(cacheControl: cacheControl));

        (story.Say("cache", "result"), story.Say("cache", "why")).ShouldBe((result, why));
    }

    [Fact]
    public async Task A_request_without_a_seed_where_only_retries_are_kept_is_told_so()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator, "Cache:Unseeded=RetryOnly");

        (await bench.Gateway.StoryOfAsync(await bench.AskAsync())).Say("cache", "why")!.ShouldContain("Cache:Unseeded is RetryOnly");
    }

    [Fact]
    public async Task A_refusal_has_every_limit_as_the_headers_told_it_and_says_which_refused()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=10", "Burst=5", "ConcurrentRequests=2", "UnitsPerDay=1", "UnitsPerMonth=300");
        var first = await bench.AskAsync();

        var refused = await bench.AskAsync();

        refused.ShouldBe(429, "quota-exceeded");
        refused.Header("RateLimit").ShouldBe("\"requests\";r=3;t=6, \"concurrency\";r=2, \"day\";r=0;t=43200, \"month\";r=299;t=734400");
        var story = await bench.Gateway.StoryOfAsync(refused, TestGateway.BackendKey);
        story.At("limits").GetRawText().ShouldBe("""
            [{"name":"requests","limit":10,"burst":5,"left":3,"resetsIn":6,"refused":false},
            {"name":"concurrency","limit":2,"left":2,"refused":false},
            {"name":"day","limit":1,"left":0,"resetsIn":43200,"refused":true},
            {"name":"month","limit":300,"left":299,"resetsIn":734400,"refused":false}]
            """.ReplaceLineEndings(""));
        (story.Say("outcome"), story.At("refusal", "retryAfter").GetInt32()).ShouldBe(("quota-exceeded", 43_200));
        story.At("refusal", "limits").EnumerateArray().Single().GetString().ShouldBe("day");
        story.Say("refusal", "error").ShouldBe(refused.Error);
        story.TryGetProperty("generation", out _).ShouldBeFalse(); // Nobody had begun one.
        story.Say("advice")!.ShouldStartWith("Wait until units are back after 12 h, or give the user more");
        (await bench.Gateway.StoryOfAsync(first, TestGateway.BackendKey)).At("limits").Each("left").ShouldBe(["4", "2", "0", "299"]);
    }

    [Fact]
    public async Task A_refusal_by_the_rate_is_told_too()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=1");
        await bench.AskAsync();

        var story = await bench.Gateway.StoryOfAsync(await bench.AskAsync(), TestGateway.BackendKey);

        (story.Say("outcome"), story.At("limits")[0].At("refused").GetBoolean()).ShouldBe(("rate-limited", true));
        story.Say("advice")!.ShouldStartWith("Ask again after 1 min;");
    }

    [Fact]
    public async Task A_parameter_that_upstream_refuses_is_named_in_its_words_and_masked()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        bench.HuggingFace.Behave("*", Misbehaviour.Parse("unexpected-keyword"));

        var story = await bench.Gateway.StoryOfAsync(await bench.AskAsync(model: TestGateway.Sd3));

        (story.Say("outcome"), story.At("status").GetInt32()).ShouldBe(("parameter-refused", 422));
        var attempt = story.At("generation", "attempts").EnumerateArray().Single();
        (attempt.Say("failure"), attempt.At("status").GetInt32(), attempt.Say("decision")).ShouldBe(("ParameterRefused", 400, "gave up"));
        attempt.Say("said")!.ShouldContain("unexpected keyword argument");
    }

    [Fact]
    public async Task A_stranger_has_a_story_that_only_the_operator_reads()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}") { Content = TestGateway.Json(FlightBench.Body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "wrong");
        var answer = await bench.Gateway.SendAsync(request);

        var story = await bench.Gateway.StoryOfAsync(answer);

        (story.At("status").GetInt32(), story.Say("outcome"), story.TryGetProperty("caller", out _)).ShouldBe((401, "unauthenticated", false));
        (await bench.Gateway.ExplainAsync(answer.Header("X-Request-Id"), TestGateway.BackendKey)).ShouldBe(404, "unknown-route");
    }

    [Fact]
    public async Task A_request_that_is_streamed_through_and_one_for_nothing_are_told_and_the_operators_own_are_not()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        bench.HuggingFace.Behave("*", Misbehaviour.Parse("not-found"));
        await SendAsync("/models/a/b", "looked");
        await SendAsync("/nowhere", "lost");
        await SendAsync("/health/live", "probe");
        await SendAsync("/ops/models", "operators");
        await SendAsync("/metrics", "scrape");
        await SendAsync("/explain/lost", "explain");

        (await bench.Gateway.StoryAsync("looked")).Say("generation", "role").ShouldBe("passed through");
        (await bench.Gateway.StoryAsync("looked")).At("generation", "attempts").Each("failure").ShouldBe(["Gone"]);
        (await bench.Gateway.StoryAsync("lost")).Say("outcome").ShouldBe("unknown-route");
        foreach (var id in new[] { "probe", "operators", "scrape", "explain" })
        {
            (await bench.Gateway.ExplainAsync(id)).ShouldBe(404, "unknown-route");
        }

        async Task SendAsync(string path, string id)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
            request.Headers.Add("X-Request-Id", id);
            await bench.Gateway.SendAsync(request);
        }
    }
}
