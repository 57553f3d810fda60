using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>An overloaded model is waited for and not overloaded again; one that ran out of room is asked once more.</summary>
public class OverloadTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>Doubling from a second, up to a quarter of a minute.</summary>
    private static readonly int[] Intervals = [1, 2, 4, 8, 15, 15];

    [Theory]
    [InlineData("too-busy")]
    [InlineData("cuda-out-of-memory")]
    [InlineData("cuda-out-of-memory-500")]
    public async Task A_model_that_ran_out_of_room_is_asked_once_more_and_makes_the_image(string kind)
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Times(1, Misbehaviour.Parse(kind)));

        var answer = await bench.RunUntilAsync(bench.GenerateAsync(TestGateway.Sd3));

        answer.ShouldBeAnImage();
        bench.CallsOf(TestGateway.Sd3).ShouldBe(2);
        await bench.ShouldForgetAsync();
    }

    [Theory]
    [InlineData("too-busy")]
    [InlineData("cuda-out-of-memory")]
    [InlineData("cuda-out-of-memory-500")]
    public async Task A_model_that_has_no_room_the_second_time_either_is_504_after_two_attempts(string kind)
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));

        var answer = await bench.RunUntilAsync(bench.GenerateAsync(TestGateway.Sd3));

        answer.ShouldBe(504, "upstream-overloaded");
        bench.CallsOf(TestGateway.Sd3).ShouldBe(2);
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task The_once_more_is_one_attempt_for_all_who_wait()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.After(Second, Misbehaviour.TooBusy()));

        var asking = bench.GenerateMany(10, TestGateway.Sd3);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 10);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.TooBusy());
        await bench.PassUpstreamAsync(Second, answers: 10);
        await bench.ShouldWaitAsync(10);
        bench.Time.Advance(Second);

        foreach (var answer in await Task.WhenAll(asking))
        {
            answer.ShouldBe(504, "upstream-overloaded");
        }

        bench.CallsOf(TestGateway.Sd3).ShouldBe(11);
        await bench.ShouldForgetAsync();
    }

    [Theory]
    [InlineData("overload")]
    [InlineData("unavailable-html")]
    public async Task An_overloaded_model_is_asked_at_growing_intervals_and_then_is_504(string kind)
    {
        await using var bench = await TroubleBench.StartAsync("Generation:WaitLimit=00:00:50");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));

        var asking = bench.GenerateAsync(TestGateway.Sd3);
        foreach (var (index, seconds) in Intervals.Index())
        {
            await bench.ShouldWaitAsync(1);
            await bench.ShouldBeAskedAfterAsync(seconds * Second, TestGateway.Sd3, index + 2);
        }

        (await asking).ShouldBe(504, "upstream-overloaded"); // The next look would be beyond the wait limit.
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task An_overload_that_passes_ends_in_an_image()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Times(3, Misbehaviour.Overload));

        (await bench.RunUntilAsync(bench.GenerateAsync(TestGateway.Sd3))).ShouldBeAnImage();

        bench.CallsOf(TestGateway.Sd3).ShouldBe(4);
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task After_an_overload_those_who_wait_go_on_by_three_for_each_image()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Overload);
        var first = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Delay(Second));
        var others = bench.GenerateMany(10, TestGateway.Sd3);
        await bench.ShouldWaitAsync(11);

        await bench.ShouldBeAskedAfterAsync(Second, TestGateway.Sd3, 2);
        await bench.PassUpstreamAsync(Second, answers: 1);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 2 + 3);
        await bench.ShouldStillBeAskedAsync(TestGateway.Sd3, 2 + 3);
        await bench.PassUpstreamAsync(Second, answers: 3);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 2 + 3 + 7);

        foreach (var answer in await bench.RunUntilAsync([first, .. others]))
        {
            answer.ShouldBeAnImage();
        }

        bench.CallsOf(TestGateway.Sd3).ShouldBe(12);
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task An_overload_that_comes_back_while_some_go_on_is_waited_for_again()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Overload);
        var first = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        var others = bench.GenerateMany(10, TestGateway.Sd3);
        await bench.ShouldWaitAsync(11);

        bench.HuggingFace.BehaveNext(Misbehaviour.Well);
        bench.Time.Advance(Second);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, 2 + 3);
        (await await Task.WhenAny([first, .. others])).ShouldBeAnImage();
        await bench.ShouldWaitAsync(10);
        await bench.ShouldStillBeAskedAsync(TestGateway.Sd3, 2 + 3);
        bench.HuggingFace.BehaveWell();

        foreach (var answer in await bench.RunUntilAsync([first, .. others]))
        {
            answer.ShouldBeAnImage();
        }

        bench.CallsOf(TestGateway.Sd3).ShouldBe(2 + 3 + 10);
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task An_overload_that_one_still_finds_after_another_has_ended_the_trouble_is_a_new_one()
    {
        var (time, model, overload) = (new ManualTime(), ("there", "a/b"), new UpstreamFailure(FailureClass.Overloaded, Status: 503, Repeat: RepeatRule.Wait));
        var troubled = new TroubledModels(time, new SteadyRandom(0.5));
        Task<Pass> EnterAsync() => troubled.EnterAsync(model, _ => 60 * Second, TestContext.Current.CancellationToken).AsTask();
        troubled.Report(model, Pass.Free, overload);
        Task<Pass>[] line = [EnterAsync(), EnterAsync(), EnterAsync(), EnterAsync()];
        time.Advance(Second);
        troubled.Report(model, await line[0], failure: null);
        var passes = await Task.WhenAll(line[1..]);

        troubled.Report(model, passes[0], failure: null);
        troubled.Of(model).ShouldBeNull();
        troubled.Report(model, passes[1], overload with { RetryAfter = 30 * Second });
        troubled.Report(model, passes[2], overload with { RetryAfter = 30 * Second });

        troubled.Of(model).ShouldNotBeNull();
        Task<Pass>[] again = [EnterAsync(), EnterAsync()];
        time.Advance(30 * Second);
        again.ShouldAllBe(waiting => !waiting.IsCompleted);
        time.Advance(3 * Second);
        (await Task.WhenAny(again)).ShouldBe(again[0]);
        again[1].IsCompleted.ShouldBeFalse();
        troubled.Report(model, await again[0], failure: null);
        (await again[1]).Verdict.ShouldBeNull();
    }

    [Fact]
    public async Task An_attempt_that_says_nothing_of_the_model_leaves_it_in_trouble()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Overload);
        var asking = bench.GenerateMany(2, TestGateway.Sd3);
        await bench.ShouldWaitAsync(2);
        var before = bench.CallsOf(TestGateway.Sd3);
        bench.HuggingFace.BehaveNext(Misbehaviour.ResetBeforeHeaders);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Well);

        bench.Time.Advance(2 * Second);
        await bench.ShouldBeAskedAsync(TestGateway.Sd3, before + 1);
        await bench.PassUpstreamAsync(Second, answers: 1); // The simulator takes a moment to reset.
        (await await Task.WhenAny(asking)).ShouldBe(502, "upstream-failed"); // The model may have run: for this one it is over.
        await bench.ShouldStillBeAskedAsync(TestGateway.Sd3, before + 1);

        var answers = await bench.RunUntilAsync(asking);
        answers.Count(answer => answer.Status == System.Net.HttpStatusCode.OK).ShouldBe(1);
        bench.CallsOf(TestGateway.Sd3).ShouldBe(before + 2);
        await bench.ShouldForgetAsync();
    }

    [Fact]
    public async Task One_that_finds_a_loaded_model_out_of_room_does_not_end_the_wait_of_those_who_have_not_been_asked_for()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Loading(10));
        var first = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        var others = bench.GenerateMany(5, TestGateway.Sd3);
        await bench.ShouldWaitAsync(6);
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Times(1, Misbehaviour.CudaOutOfMemory));

        await bench.RunUntilAsync([first, .. others]);

        foreach (var other in others)
        {
            (await other).ShouldBeAnImage();
        }
    }
}
