using System.Text.Json.Nodes;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Equal requests share one generation, and it belongs to none of them.</summary>
public class FlightTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromMilliseconds(600);
    private static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(170);

    [Fact]
    public async Task Two_hundred_equal_requests_at_once_cost_one_generation_and_all_get_the_image()
    {
        await using var bench = await StartAsync();

        var asking = bench.AskMany(200);
        await bench.ShouldWaitAsync(200);
        await bench.ShouldRenderAsync(1);
        bench.UpstreamTime.Advance(Rendering);
        var answers = await Task.WhenAll(asking);

        Array.ForEach(answers, answer => answer.ShouldBeAnImage());
        answers.ShouldAllBe(answer => answer.Body.SequenceEqual(answers[0].Body));
        answers.Count(answer => Is(answer, "MISS", "1")).ShouldBe(1);
        answers.Count(answer => Is(answer, "COALESCED", "0")).ShouldBe(199);
        bench.Calls.ShouldBe(1);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Two_hundred_equal_requests_as_they_come_find_the_generation_or_the_image()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body)));

        answers.ShouldAllBe(answer => answer.Body.SequenceEqual(answers[0].Body));
        answers.Count(answer => Is(answer, "MISS", "1")).ShouldBe(1);
        answers.Count(answer => Is(answer, "COALESCED", "0") || Is(answer, "HIT", "0")).ShouldBe(199);
        huggingFace.Received.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(50)]
    [InlineData(99)]
    public async Task The_one_who_asked_first_may_leave_at_any_time_and_the_others_are_served(int percent)
    {
        await using var bench = await StartAsync();
        using var leaving = new CancellationTokenSource();
        var first = bench.AskAsync(leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        var others = bench.AskMany(20);
        await bench.ShouldWaitAsync(21);

        bench.UpstreamTime.Advance(Rendering * percent / 100);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(20);
        var late = bench.AskAsync();
        await bench.ShouldWaitAsync(21);
        bench.UpstreamTime.Advance(Rendering * (100 - percent) / 100);

        await Should.ThrowAsync<OperationCanceledException>(first);
        Array.ForEach(await Task.WhenAll([.. others, late]), answer => FlightBench.ShouldBeBy(answer, "COALESCED", units: 0));
        bench.Calls.ShouldBe(1);
        bench.HuggingFace.Received[0].Aborted.ShouldBeFalse();
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Each_waiter_leaves_for_itself_alone()
    {
        await using var bench = await StartAsync();
        using var leaving = new CancellationTokenSource();
        var first = bench.AskAsync();
        await bench.ShouldRenderAsync(1);
        var leaver = bench.AskAsync(leaving: leaving.Token);
        var other = bench.AskAsync();
        await bench.ShouldWaitAsync(3);

        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(2);
        bench.UpstreamTime.Advance(Rendering);

        await Should.ThrowAsync<OperationCanceledException>(leaver);
        FlightBench.ShouldBeBy(await first, "MISS", units: 1);
        FlightBench.ShouldBeBy(await other, "COALESCED", units: 0);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_generation_that_all_have_left_is_finished_and_handed_to_the_next_try()
    {
        await using var bench = await StartAsync();
        using var leaving = new CancellationTokenSource();
        var all = Enumerable.Range(0, 3).Select(_ => bench.AskAsync(leaving: leaving.Token)).ToArray();
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(3);

        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(0);
        bench.UpstreamTime.Advance(Rendering);
        await bench.ShouldEndEmptyAsync();

        await Should.ThrowAsync<OperationCanceledException>(Task.WhenAll(all));
        FlightBench.ShouldBeBy(await bench.AskAsync(), "HIT", units: 0);
        bench.Calls.ShouldBe(1);
        bench.HuggingFace.Received[0].Aborted.ShouldBeFalse();
    }

    [Fact]
    public async Task Upstreams_failure_is_told_to_all_who_wait_and_asked_for_once()
    {
        await using var bench = await FlightBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.After(Rendering, Misbehaviour.Empty500));

        var asking = bench.AskMany(200, TestGateway.Sd3);
        await bench.ShouldWaitAsync(200);
        await bench.ShouldRenderAsync(1);
        bench.UpstreamTime.Advance(Rendering);
        var answers = await Task.WhenAll(asking);

        Array.ForEach(answers, answer => answer.ShouldBe(502, "upstream-failed"));
        answers.Select(WithoutRequestId).Distinct().ShouldHaveSingleItem();
        answers.Select(answer => answer.Header("X-Request-Id")).Distinct().Count().ShouldBe(200);
        bench.Calls.ShouldBe(1);
        bench.Time.Advance(TimeSpan.FromSeconds(2));
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_failure_answers_equal_requests_for_FailureMemory_and_upstream_is_asked_after_it()
    {
        await using var bench = await FlightBench.StartAsync("Generation:FailureMemory=00:00:02");
        bench.HuggingFace.BehaveNext(Misbehaviour.Empty500);

        (await bench.AskAsync(model: TestGateway.Sd3)).ShouldBe(502, "upstream-failed");
        bench.Time.Advance(TimeSpan.FromSeconds(1.9));
        (await bench.AskAsync(model: TestGateway.Sd3)).ShouldBe(502, "upstream-failed");
        bench.Calls.ShouldBe(1);
        FlightBench.ShouldBeBy(await bench.AskAsync("""{"inputs":"another"}""", TestGateway.Sd3), "MISS", units: 1);
        bench.Time.Advance(TimeSpan.FromSeconds(0.1));
        await bench.ShouldEndEmptyAsync();

        FlightBench.ShouldBeBy(await bench.AskAsync(model: TestGateway.Sd3), "MISS", units: 1);
        bench.Calls.ShouldBe(3);
    }

    [Fact]
    public async Task With_a_FailureMemory_of_0_upstream_is_asked_at_once()
    {
        await using var bench = await FlightBench.StartAsync("Generation:FailureMemory=00:00:00");
        bench.HuggingFace.BehaveNext(Misbehaviour.Empty500);

        (await bench.AskAsync(model: TestGateway.Sd3)).ShouldBe(502, "upstream-failed");
        FlightBench.ShouldBeBy(await bench.AskAsync(model: TestGateway.Sd3), "MISS", units: 1);
        bench.Calls.ShouldBe(2);
        await bench.ShouldEndEmptyAsync();
    }

    [Theory]
    [InlineData(false, "COALESCED")]
    [InlineData(true, "HIT")]
    public async Task After_504_still_generating_the_same_request_picks_the_image_up(bool isEnded, string cache)
    {
        await using var bench = await StartAsync();
        var first = bench.AskAsync();
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        bench.Time.Advance(WaitLimit);
        (await first).ShouldBe(504, "still-generating");

        if (isEnded)
        {
            bench.UpstreamTime.Advance(Rendering);
            await bench.ShouldEndEmptyAsync();
        }

        var again = bench.AskAsync();
        if (!isEnded)
        {
            await bench.ShouldWaitAsync(1);
            bench.UpstreamTime.Advance(Rendering);
        }

        FlightBench.ShouldBeBy(await again, cache, units: 0);
        bench.Calls.ShouldBe(1);
        await bench.ShouldEndEmptyAsync();
    }

    private static bool Is(Answer answer, string cache, string units) => answer.Header("X-Cache") == cache && answer.Header("X-Lumiku-Units") == units;

    private static string WithoutRequestId(Answer answer)
    {
        var error = JsonNode.Parse(answer.Body)!.AsObject();
        error.Remove("requestId").ShouldBeTrue();
        return error.ToJsonString();
    }

    private static async Task<FlightBench> StartAsync()
    {
        var bench = await FlightBench.StartAsync($"Generation:WaitLimit={WaitLimit}");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        return bench;
    }
}
