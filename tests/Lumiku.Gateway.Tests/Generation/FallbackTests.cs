using System.Net.Http.Headers;
using System.Text.Json;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Where upstream cannot serve a model, its fallback makes the image, as if the fallback had been asked for.</summary>
public class FallbackTests
{
    private const string Body = """{"inputs":"a heron","parameters":{"seed":1,"num_inference_steps":30,"guidance_scale":3.5,"max_sequence_length":512}}""";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_fallback_takes_no_longer_than_the_generation_that_pays_for_it()
    {
        var ledger = new RecordingLedger();
        await using var bench = await FlightBench.StartAsync(ledger, "Generation:Deadline=00:01:00");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Overload);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.Delay(Second));
        var asking = bench.AskAsync();
        await Eventually.BeAsync(() => bench.Calls == 1, "the model was asked");
        for (var i = 0; i < 40; i++)
        {
            bench.Time.Advance(Second);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        await bench.ShouldRenderAsync(1);
        bench.Time.Advance(TimeSpan.FromSeconds(20));

        (await asking).ShouldBe(504, "upstream-timeout");
        await Eventually.BeAsync(() => bench.Gateway.Services.GetRequiredService<RunningGenerations>().Count == 0, "both have ended, and no image comes of it that nobody paid for");
        ledger.Used.ShouldBe([0]);
    }

    [Theory]
    [InlineData("deprecated")]
    [InlineData("not-found")]
    [InlineData("credits-depleted")]
    [InlineData("invalid-login")]
    [InlineData("too-large-to-load")]
    public async Task A_model_that_upstream_does_not_serve_is_made_by_its_fallback_and_the_answer_says_so(string kind)
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Parse(kind));

        var answer = await bench.Gateway.GenerateAsync(TestGateway.Dev, Body);

        ShouldBeBySchnell(answer, "MISS", units: 1);
        bench.HuggingFace.Received.Select(request => request.Model).ShouldBe([TestGateway.Dev, TestGateway.Schnell]);
        JsonElement.DeepEquals(bench.HuggingFace.Received[0].Json, JsonElement.Parse(Body)).ShouldBeTrue();
        JsonElement.DeepEquals(
            bench.HuggingFace.Received[1].Json, JsonElement.Parse("""{"inputs":"a heron","parameters":{"seed":1,"num_inference_steps":4,"max_sequence_length":256}}""")).ShouldBeTrue();
    }

    [Theory]
    [InlineData("bad-gateway", 502, "upstream-failed")]
    [InlineData("reset-before-headers", 502, "upstream-failed")]
    [InlineData("unexpected-keyword", 422, "parameter-refused")]
    [InlineData("html-200", 502, "not-an-image")]
    [InlineData("gateway-timeout", 504, "upstream-timeout")]
    [InlineData("rate-limited", 429, "upstream-rate-limited")]
    public async Task Trouble_that_is_not_in_FallbackOn_is_told(string kind, int status, string type)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.Parse(kind));

        var answer = await gateway.GenerateAsync(TestGateway.Dev, Body);

        answer.ShouldBe(status, type);
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Dev);
        answer.Header("X-Lumiku-Substitution").ShouldBeEmpty();
        huggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task FallbackOn_of_the_settings_says_for_which_trouble()
    {
        await using var bench = await TroubleBench.StartAsync($"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Schnell}", $"Models:Catalog:{TestGateway.Sd3}:FallbackOn:0=Failed");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.BadGateway);
        ShouldBeBySchnell(await bench.GenerateAsync(TestGateway.Sd3), "MISS", units: 1, TestGateway.Sd3);

        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);
        (await bench.GenerateAsync(TestGateway.Sd3)).ShouldBe(404, "model-not-offered");
    }

    [Fact]
    public async Task A_fallbacks_image_is_kept_as_the_fallbacks_own_and_later_handed_out_for_nothing()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        var made = await bench.Gateway.GenerateAsync(TestGateway.Dev, Body);

        var direct = await bench.Gateway.GenerateAsync(TestGateway.Schnell, Body);
        direct.Header("X-Cache").ShouldBe("HIT");
        direct.Header("X-Lumiku-Substitution").ShouldBeEmpty();
        direct.Body.ShouldBe(made.Body);
        var again = await bench.Gateway.GenerateAsync(TestGateway.Dev, Body);
        ShouldBeBySchnell(again, "HIT", units: 0);
        again.Header("Age").ShouldNotBeEmpty();
        again.Header("Cache-Status").ShouldStartWith("lumiku; hit");
        again.Body.ShouldBe(made.Body);
        bench.CallsOf(TestGateway.Dev).ShouldBe(2); // It could have come back meanwhile.
        bench.CallsOf(TestGateway.Schnell).ShouldBe(1);

        bench.HuggingFace.BehaveWell();
        var back = await bench.Gateway.GenerateAsync(TestGateway.Dev, Body);
        back.Header("X-Cache").ShouldBe("MISS"); // Nothing of the fallback's lies under the model's own key.
        back.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Dev);
    }

    [Fact]
    public async Task A_fallback_joins_a_generation_of_its_model_that_is_under_way()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        huggingFace.Behave(TestGateway.Schnell, Misbehaviour.Delay(Second));

        var direct = gateway.GenerateAsync(TestGateway.Schnell, Body);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "the generation is under way");
        var fallen = await gateway.GenerateAsync(TestGateway.Dev, Body);

        ShouldBeBySchnell(fallen, "COALESCED", units: 0);
        fallen.Body.ShouldBe((await direct).Body);
        (await direct).Header("X-Cache").ShouldBe("MISS");
        huggingFace.Received.Count(request => request.Model == TestGateway.Schnell).ShouldBe(1);
    }

    [Fact]
    public async Task Who_asks_for_the_fallbacks_model_joins_the_fallback()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        huggingFace.Behave(TestGateway.Schnell, Misbehaviour.Delay(Second));

        var fallen = gateway.GenerateAsync(TestGateway.Dev, Body);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 2, "the fallback is under way");
        var direct = await gateway.GenerateAsync(TestGateway.Schnell, Body);

        ShouldBeBySchnell(await fallen, "MISS", units: 1);
        direct.Header("X-Cache").ShouldBe("COALESCED");
        direct.Header("X-Lumiku-Units").ShouldBe("0");
        huggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Fifty_equal_requests_fall_back_together()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.After(Second, Misbehaviour.Deprecated));

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => gateway.GenerateAsync(TestGateway.Dev, Body)));

        answers.ShouldAllBe(answer => answer.Header("X-Lumiku-Model-Served") == TestGateway.Schnell && answer.Header("X-Lumiku-Substitution") == "upstream");
        answers.Count(answer => answer.Header("X-Lumiku-Units") == "1").ShouldBe(1);
        answers.Count(answer => answer.Header("X-Cache") == "COALESCED").ShouldBe(49);
        huggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_overloaded_model_is_waited_for_up_to_FallbackAfter_and_no_longer()
    {
        await using var bench = await TroubleBench.StartAsync("Generation:FallbackAfter=00:00:05");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Overload);

        var asking = bench.GenerateAsync(TestGateway.Dev);
        await bench.ShouldWaitAsync(1);
        await bench.ShouldBeAskedAfterAsync(Second, TestGateway.Dev, 2);
        await bench.ShouldWaitAsync(1);
        bench.CallsOf(TestGateway.Schnell).ShouldBe(0);
        await bench.ShouldBeAskedAfterAsync(2 * Second, TestGateway.Dev, 3);

        ShouldBeBySchnell(await bench.RunUntilAsync(asking), "MISS", units: 1); // Its next turn would have come after seven seconds.
        bench.CallsOf(TestGateway.Dev).ShouldBe(3);
    }

    [Fact]
    public async Task An_overload_that_passes_before_FallbackAfter_is_no_matter_for_the_fallback()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Times(3, Misbehaviour.Overload));

        var answer = await bench.RunUntilAsync(bench.GenerateAsync(TestGateway.Dev));

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Dev);
        bench.CallsOf(TestGateway.Schnell).ShouldBe(0);
    }

    [Fact]
    public async Task With_FallbackAfter_zero_the_fallback_takes_over_at_once()
    {
        await using var bench = await TroubleBench.StartAsync("Generation:FallbackAfter=00:00:00");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Overload);

        ShouldBeBySchnell(await bench.GenerateAsync(TestGateway.Dev), "MISS", units: 1);
        ShouldBeBySchnell(await bench.GenerateAsync(TestGateway.Dev), "MISS", units: 1);
        bench.CallsOf(TestGateway.Dev).ShouldBe(1); // The second one knew.
    }

    [Fact]
    public async Task Where_both_fail_the_fallbacks_failure_is_told()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.BadGateway);

        var answer = await bench.Gateway.GenerateAsync(TestGateway.Dev, Body);

        answer.ShouldBe(502, "upstream-failed");
        answer.Error.ShouldContain(TestGateway.Schnell);
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
        answer.Header("X-Lumiku-Substitution").ShouldBe("upstream");
    }

    [Fact]
    public async Task A_no_store_request_falls_back_for_itself_alone_and_nothing_is_kept()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);

        var answer = await bench.Gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.Add("Cache-Control", "no-store"));

        ShouldBeBySchnell(answer, "BYPASS", units: 1);
        bench.Gateway.Services.GetRequiredService<ImageCache>().Count.ShouldBe(0);
        (await bench.Gateway.GenerateAsync(TestGateway.Schnell, Body)).Header("X-Cache").ShouldBe("MISS");
    }

    [Fact]
    public async Task A_picture_sent_as_bytes_falls_back_with_the_very_same_bytes()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.ChunkedWhole); // By itself it takes no picture.
        byte[] picture = [0x89, 0x50, 0x4E, 0x47, 0, 1, 2, 3];

        var answer = await bench.Gateway.GenerateAsync(TestGateway.Dev, "", change: request =>
        {
            request.Content = new ByteArrayContent(picture);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        });

        ShouldBeBySchnell(answer, "MISS", units: 1);
        bench.HuggingFace.Received[1].Body.ShouldBe(picture);
        bench.HuggingFace.Received[1].Header("Content-Type").ShouldBe("image/png");
    }

    private static void ShouldBeBySchnell(Answer answer, string cache, int units, string requested = TestGateway.Dev)
    {
        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Requested").ShouldBe(requested);
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
        answer.Header("X-Lumiku-Substitution").ShouldBe("upstream");
        answer.Header("X-Cache").ShouldBe(cache);
        answer.Header("X-Lumiku-Units").ShouldBe($"{units}");
    }
}
