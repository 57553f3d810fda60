using System.Text.Json;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>Where upstream has trouble, a story has every attempt, what was decided after it, and how it ended.</summary>
public class ExplainedTroubleTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_fallback_has_the_failure_that_led_to_it_and_the_attempts_of_both_models()
    {
        await using var bench = await TroubleBench.StartAsync(Explained.WithOperator);
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Parse("credits-depleted"));

        var answer = await bench.Gateway.GenerateAsync(TestGateway.Dev, """{"inputs":"a heron","parameters":{"seed":1,"num_inference_steps":30}}""");

        answer.ShouldBeAnImage();
        var story = await bench.Gateway.StoryOfAsync(answer);
        (story.Say("served", "model"), story.Say("served", "rule"), story.Say("served", "because")).ShouldBe((TestGateway.Schnell, "upstream", "Account"));
        story.At("served", "changedParameters")[0].GetString().ShouldBe("num_inference_steps");
        (story.Say("generation", "fallback", "model"), story.Say("generation", "fallback", "because")).ShouldBe((TestGateway.Schnell, "Account"));
        var attempts = story.At("generation", "attempts");
        attempts.Each("model").ShouldBe([TestGateway.Dev, TestGateway.Schnell]);
        attempts.Each("status").ShouldBe(["402", "200"]);
        attempts.Each("failure").ShouldBe(["Account", null]);
        attempts.Each("decision").ShouldBe(["fallback", "an image"]);
        attempts[0].Say("said").ShouldNotBeNullOrWhiteSpace();
        story.Say("summary")!.ShouldContain($"failed upstream (Account), so its fallback '{TestGateway.Schnell}' was asked");
    }

    [Fact]
    public async Task A_model_that_loads_has_each_attempt_and_how_long_was_waited_after_it()
    {
        await using var bench = await TroubleBench.StartAsync(Explained.WithOperator);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.LoadingTimes(2, 10));
        var asking = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        await bench.ShouldBeAskedAfterAsync(10 * Second, TestGateway.Sd3, 2);

        var story = await bench.Gateway.StoryOfAsync(await bench.RunUntilAsync(asking));

        var attempts = story.At("generation", "attempts");
        attempts.Each("failure").ShouldBe(["Loading", "Loading", null]);
        attempts.Each("status").ShouldBe(["503", "503", "200"]);
        (attempts[0].At("startMs").GetDouble(), attempts[1].At("startMs").GetDouble()).ShouldBe((0, 10_000));
        attempts[0].Say("decision").ShouldBe("again after 10.0 s");
        attempts[1].Say("decision")!.ShouldStartWith("again after ");
        attempts[2].Say("decision").ShouldBe("an image");
        attempts[2].At("startMs").GetDouble().ShouldBeGreaterThan(10_000);
        story.Say("summary")!.ShouldEndWith(" and 3 attempts, and 1 unit was charged.");
    }

    [Fact]
    public async Task A_caller_who_left_has_a_story_and_it_goes_on_with_the_generation()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Second));
        using var leaving = new CancellationTokenSource();
        var asking = bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, change: Explained.As("left"));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(FlightBench.Body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Request-Id", "gone");
        var sending = bench.Gateway.Client.SendAsync(request, leaving.Token);
        await bench.ShouldRenderAsync(2);
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(sending);

        var gone = await bench.Gateway.StoryAsync("gone");
        bench.UpstreamTime.Advance(Second);
        (await asking).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
        var later = await bench.Gateway.StoryAsync("gone");

        (gone.At("status").GetInt32(), gone.Say("outcome")).ShouldBe((499, "caller gone"));
        (gone.At("generation", "hasEnded").GetBoolean(), Only(gone).Say("decision")).ShouldBe((false, "under way"));
        gone.Say("summary")!.ShouldContain("The generation went on without it");
        (later.At("generation", "hasEnded").GetBoolean(), Only(later).Say("decision")).ShouldBe((true, "an image"));
    }

    [Fact]
    public async Task A_wait_that_ended_before_the_image_says_that_it_is_still_made()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator, "Generation:WaitLimit=00:00:30");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Second));
        var asking = bench.AskAsync(model: TestGateway.Sd3);
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        bench.Time.Advance(TimeSpan.FromSeconds(30));

        var story = await bench.Gateway.StoryOfAsync(await asking);

        (story.At("status").GetInt32(), story.Say("outcome"), story.At("durationMs").GetDouble()).ShouldBe((504, "still-generating", 30_000));
        Only(story).Say("decision").ShouldBe("under way");
        story.Say("advice").ShouldBe("Send the same request again after 10 s: it picks the image up, and is charged no second time.");
    }

    [Fact]
    public async Task A_connection_that_never_came_about_was_tried_again_before_it_was_given_up()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace, Explained.WithOperator, $"ReverseProxy:Clusters:huggingface:Destinations:primary:Address=http://127.0.0.1:{RedisServer.FreePort()}/");

        var answer = await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body);

        answer.ShouldBe(502, "upstream-failed");
        var attempts = (await gateway.StoryOfAsync(answer)).At("generation", "attempts");
        attempts.Each("failure").ShouldBe(["Unreachable", "Unreachable", "Unreachable"]);
        attempts.Each("status").ShouldBe([null, null, null]);
        attempts[0].Say("decision")!.ShouldStartWith("again after 0.");
        attempts[2].Say("decision").ShouldBe("gave up");
    }

    private static JsonElement Only(JsonElement story) => story.At("generation", "attempts").EnumerateArray().Single();
}
