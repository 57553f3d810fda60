using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>A model that is loading is waited for by all who ask for it, and asked by one at a time.</summary>
public class LoadingTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData("loading-times(2,1)")]
    [InlineData("times(2,loading-200(1))")]
    [InlineData("times(5,loading(300))")]
    public async Task A_model_that_loads_is_waited_for_and_makes_the_image(string kind)
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));

        var answer = await bench.RunUntilAsync(bench.GenerateAsync(TestGateway.Sd3));

        answer.ShouldBeAnImage();
        answer.Header("X-Cache").ShouldBe("MISS");
        answer.Header("X-Lumiku-Units").ShouldBe("1");
        await bench.ShouldForgetAsync();
    }

    [Theory]
    [InlineData(10, 0.0, 8)]
    [InlineData(10, 0.5, 10)]
    [InlineData(10, 1.0, 12)]
    [InlineData(300, 0.5, 30)] // An estimate of minutes is often wrong by minutes.
    [InlineData(300, 1.0, 36)]
    public async Task The_next_look_comes_after_the_estimated_time_a_fifth_sooner_or_later(int estimated, double chance, int seconds)
    {
        await using var bench = await TroubleBench.StartAsync(chance);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.LoadingTimes(1, estimated));

        var asking = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        await bench.ShouldBeAskedAfterAsync(seconds * Second, TestGateway.Sd3, 2);

        (await asking).ShouldBeAnImage();
    }

    [Theory]
    [InlineData(60, 0.0, 60)] // Never sooner than upstream said.
    [InlineData(60, 1.0, 72)]
    [InlineData(150, 0.0, 150)] // Never cut short, as an estimate is.
    public async Task A_retry_after_is_never_cut_short(int retryAfter, double chance, int seconds)
    {
        await using var bench = await TroubleBench.StartAsync(chance, "Generation:FailureRules:0:Status=429", "Generation:FailureRules:0:Class=Overloaded");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Times(1, Misbehaviour.RateLimitedRetryAfter(retryAfter)));

        var asking = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        await bench.ShouldBeAskedAfterAsync(seconds * Second, TestGateway.Sd3, 2);

        (await asking).ShouldBeAnImage();
    }

    [Fact]
    public async Task Fifty_who_come_while_a_model_loads_ask_nothing_and_all_go_on_once_one_has_found_it_ready()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Loading(10));
        var first = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Delay(Second));

        var others = bench.GenerateMany(50, TestGateway.Sd3);
        await bench.ShouldWaitAsync(51);
        await bench.ShouldBeAskedAfterAsync(10 * Second, TestGateway.Sd3, 2);
        await bench.ShouldStillBeAskedAsync(TestGateway.Sd3, 2); // One has gone to see; fifty wait for what it finds.
        await bench.PassUpstreamAsync(Second, answers: 1);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 52);

        foreach (var answer in await bench.RunUntilAsync([first, .. others]))
        {
            answer.ShouldBeAnImage();
        }

        bench.CallsOf(TestGateway.Sd3).ShouldBe(52);
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task All_who_asked_before_anybody_knew_wait_for_one_look_at_a_time()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.After(Second, Misbehaviour.Loading(4)));

        var asking = bench.GenerateMany(10, TestGateway.Sd3);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 10);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Loading(4));
        await bench.PassUpstreamAsync(Second, answers: 10);
        await bench.ShouldWaitAsync(10);
        await bench.ShouldBeAskedAfterAsync(4 * Second, TestGateway.Sd3, 11);
        await bench.ShouldWaitAsync(10);
        await bench.ShouldBeAskedAfterAsync(2 * Second, TestGateway.Sd3, 12); // The estimate was wrong: from here on by growing steps.
        await bench.ShouldWaitAsync(10);
        await bench.ShouldBeAskedAfterAsync(4 * Second, TestGateway.Sd3, 13);
        bench.HuggingFace.BehaveWell();
        await bench.ShouldWaitAsync(10);
        bench.Time.Advance(8 * Second);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 14 + 9);

        foreach (var answer in await Task.WhenAll(asking))
        {
            answer.ShouldBeAnImage();
        }
    }

    [Theory]
    [InlineData("loading(60)", "60")] // It would be for nothing to wait for it.
    [InlineData("loading(5)", "5")]
    [InlineData("loading-200(5)", "5")]
    [InlineData("loading(0)", "1")] // Never 0.
    public async Task A_model_that_loads_beyond_the_wait_limit_is_504_model_loading(string kind, string retryAfter)
    {
        await using var bench = await TroubleBench.StartAsync("Generation:WaitLimit=00:00:10");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));

        var answer = await bench.RunUntilAsync(bench.GenerateAsync(TestGateway.Sd3));

        answer.ShouldBe(504, "model-loading");
        answer.Header("Retry-After").ShouldBe(retryAfter);
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task Who_has_only_waited_in_line_up_to_the_limit_is_told_that_the_model_loads()
    {
        await using var bench = await TroubleBench.StartAsync("Generation:WaitLimit=00:00:10");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Loading(5));
        var first = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        bench.Time.Advance(Second);
        var second = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(2);

        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.StallBeforeHeaders); // Whoever goes to see hears nothing.
        bench.Time.Advance(4 * Second);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 2);
        bench.Time.Advance(6 * Second);

        (await first).ShouldBe(504, "still-generating"); // It was let go.
        (await second).ShouldBe(504, "model-loading");
    }

    [Fact]
    public async Task Who_is_let_go_and_waits_for_the_picture_up_to_the_limit_is_told_that_it_is_still_being_made()
    {
        await using var bench = await TroubleBench.StartAsync("Generation:WaitLimit=00:00:10");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Loading(5));
        var asking = bench.GenerateMany(2, TestGateway.Sd3);
        await bench.ShouldWaitAsync(2);
        var before = bench.CallsOf(TestGateway.Sd3); // One or both: the second may have come when the trouble was known.

        bench.HuggingFace.BehaveNext(Misbehaviour.Well); // For the one that goes to see.
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.StallBeforeHeaders);
        bench.Time.Advance(5 * Second);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, before + 2);
        (await await Task.WhenAny(asking)).ShouldBeAnImage();
        bench.Time.Advance(5 * Second);

        var late = (await Task.WhenAll(asking)).Single(answer => answer.Status != System.Net.HttpStatusCode.OK);
        late.ShouldBe(504, "still-generating"); // The model is loaded: that is over, and the same request picks the image up.
    }

    [Fact]
    public async Task A_look_that_ends_at_its_deadline_leaves_the_next_one_to_another()
    {
        await using var bench = await TroubleBench.StartAsync("Generation:WaitLimit=00:10:00", "Generation:Deadline=00:01:00");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Loading(5));
        var first = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        bench.Time.Advance(4 * Second);
        var second = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(2);
        bench.HuggingFace.BehaveNext(Misbehaviour.StallBeforeHeaders);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Well);

        bench.Time.Advance(Second);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 2);
        bench.Time.Advance(55 * Second);
        (await first).ShouldBe(504, "upstream-timeout");
        await bench.ShouldBeAskedAfterAsync(2 * Second, TestGateway.Sd3, 3);

        (await second).ShouldBeAnImage();
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task A_model_that_loads_does_not_hold_up_another()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Loading(10));

        var asking = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        (await bench.GenerateAsync(TestGateway.Schnell)).ShouldBeAnImage();

        asking.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_model_with_a_fallback_that_is_not_for_loading_is_waited_for_by_those_too_who_come_while_it_loads()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.LoadingTimes(1, 30));

        var first = bench.GenerateAsync(TestGateway.Dev);
        await bench.ShouldWaitAsync(1);
        var second = bench.GenerateAsync(TestGateway.Dev);

        foreach (var answer in await bench.RunUntilAsync([first, second]))
        {
            answer.ShouldBeAnImage();
            answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Dev);
        }
    }

    [Fact]
    public async Task A_fallback_that_loads_is_waited_for()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.LoadingTimes(2, 5));

        var answer = await bench.RunUntilAsync(bench.GenerateAsync(TestGateway.Dev));

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
    }
}
