using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Each who waits has a time of its own; what comes of the generation is for all who are still there.</summary>
public class WaiterTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromMilliseconds(600);

    [Fact]
    public async Task Each_waits_for_the_wait_limit_from_its_own_beginning()
    {
        await using var bench = await FlightBench.StartAsync("Generation:WaitLimit=00:02:00");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        var first = bench.AskAsync();
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        bench.Time.Advance(TimeSpan.FromSeconds(90));
        var second = bench.AskAsync();
        await bench.ShouldWaitAsync(2);

        bench.Time.Advance(TimeSpan.FromSeconds(30));
        (await first).ShouldBe(504, "still-generating");
        bench.Time.Advance(TimeSpan.FromSeconds(89));
        second.IsCompleted.ShouldBeFalse();
        await bench.ShouldWaitAsync(1);
        bench.UpstreamTime.Advance(Rendering);

        FlightBench.ShouldBeBy(await second, "COALESCED", units: 0);
        bench.Calls.ShouldBe(1);
        await bench.ShouldEndEmptyAsync();
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(19)]
    public async Task The_one_who_asked_first_may_leave_while_the_image_is_coming_in(int pieces)
    {
        const int All = 20; // The simulator sends a slow picture in so many.
        await using var bench = await FlightBench.StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.SlowBody(Rendering));
        using var leaving = new CancellationTokenSource();
        var first = bench.AskAsync(leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        var others = bench.AskMany(10);
        await bench.ShouldWaitAsync(11);

        await SendAsync(pieces);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(10);
        await SendAsync(All - pieces);

        await Should.ThrowAsync<OperationCanceledException>(first);
        var answers = await Task.WhenAll(others);
        Array.ForEach(answers, answer => FlightBench.ShouldBeBy(answer, "COALESCED", units: 0));
        answers.ShouldAllBe(answer => answer.Body.SequenceEqual(answers[0].Body));
        bench.Calls.ShouldBe(1);
        bench.HuggingFace.Received[0].Aborted.ShouldBeFalse();
        await bench.ShouldEndEmptyAsync();

        async Task SendAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await bench.ShouldRenderAsync(1);
                bench.UpstreamTime.Advance(Rendering / All);
            }
        }
    }

    [Fact]
    public async Task Where_the_first_left_a_failure_is_told_to_the_others_and_to_the_first_when_it_asks_again()
    {
        await using var bench = await FlightBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.After(Rendering, Misbehaviour.Empty500));
        using var leaving = new CancellationTokenSource();
        var first = bench.AskAsync(model: TestGateway.Sd3, leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        var others = bench.AskMany(5, TestGateway.Sd3);
        await bench.ShouldWaitAsync(6);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(5);
        bench.UpstreamTime.Advance(Rendering);

        await Should.ThrowAsync<OperationCanceledException>(first);
        Array.ForEach(await Task.WhenAll(others), answer => answer.ShouldBe(502, "upstream-failed"));
        (await bench.AskAsync(model: TestGateway.Sd3)).ShouldBe(502, "upstream-failed");
        bench.Calls.ShouldBe(1);
        bench.Time.Advance(TimeSpan.FromSeconds(2));
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_failure_is_remembered_from_its_end_and_not_prolonged_by_who_asks()
    {
        await using var bench = await FlightBench.StartAsync("Generation:FailureMemory=00:00:10");
        bench.HuggingFace.BehaveNext(Misbehaviour.Empty500);
        await bench.AskAsync(model: TestGateway.Sd3);

        for (var i = 0; i < 4; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(2.4));
            (await bench.AskAsync(model: TestGateway.Sd3)).ShouldBe(502, "upstream-failed");
        }

        bench.Time.Advance(TimeSpan.FromSeconds(0.4));
        await Eventually.BeAsync(() => bench.FlightCount == 0, "the failure is forgotten");
        FlightBench.ShouldBeBy(await bench.AskAsync(model: TestGateway.Sd3), "MISS", units: 1);
    }

    [Fact]
    public async Task A_no_store_request_neither_gets_a_remembered_failure_nor_leaves_one()
    {
        await using var bench = await FlightBench.StartAsync("Generation:FailureMemory=00:00:10");
        bench.HuggingFace.BehaveNext(Misbehaviour.Empty500);
        (await bench.AskAsync(model: TestGateway.Sd3, cacheControl: "no-store")).ShouldBe(502, "upstream-failed");
        bench.HuggingFace.BehaveNext(Misbehaviour.Empty500);
        (await bench.AskAsync(model: TestGateway.Sd3)).ShouldBe(502, "upstream-failed");
        bench.Calls.ShouldBe(2);

        FlightBench.ShouldBeBy(await bench.AskAsync(model: TestGateway.Sd3, cacheControl: "no-store"), "BYPASS", units: 1);
        (await bench.AskAsync(model: TestGateway.Sd3)).ShouldBe(502, "upstream-failed");
        bench.Calls.ShouldBe(3);
    }

    [Fact]
    public async Task A_generation_that_ends_at_its_deadline_costs_nothing_and_is_settled_once()
    {
        var ledger = new RecordingLedger();
        await using var bench = await FlightBench.StartAsync(ledger, "Generation:Deadline=00:01:00", $"Models:Catalog:{TestGateway.Sd3}:Units=3");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.StallMidBody(1000));
        var asking = bench.AskMany(3, TestGateway.Sd3);
        await Eventually.BeAsync(() => bench.Calls == 1, "upstream was asked");
        await bench.ShouldWaitAsync(3);

        bench.Time.Advance(TimeSpan.FromMinutes(1));

        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBe(504, "upstream-timeout"));
        ledger.Reserved.ShouldHaveSingleItem().Units.ShouldBe(3);
        ledger.Used.ShouldBe([0]);
        bench.Time.Advance(TimeSpan.FromSeconds(2));
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Who_wants_no_kept_image_gets_none_of_a_fallbacks_either()
    {
        await using var bench = await FlightBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        FlightBench.ShouldBeBy(await bench.AskAsync(model: TestGateway.Schnell), "MISS", units: 1);

        FlightBench.ShouldBeBy(await bench.AskAsync(), "HIT", units: 0);
        FlightBench.ShouldBeBy(await bench.AskAsync(cacheControl: "no-cache"), "MISS", units: 1);

        bench.HuggingFace.Received.Count(request => request.Model == TestGateway.Schnell).ShouldBe(2);
        await bench.ShouldEndEmptyAsync();
    }
}
