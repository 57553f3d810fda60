using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Who may not open a generation holds up nobody: the next in line opens it.</summary>
public class OpenerTests
{
    private static readonly GatewayProblem Exceeded = new(429, "quota-exceeded", "Your images of today are used up.", RetryAfter: TimeSpan.FromSeconds(60));

    private readonly TaskCompletionSource<GatewayProblem?> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RecordingLedger _ledger = new();

    /// <summary>The first user's reservation waits for the test.</summary>
    public OpenerTests() => _ledger.Decide = user => user == "A" ? _first.Task : Task.FromResult<GatewayProblem?>(null);

    [Fact]
    public async Task A_refusal_concerns_the_opener_alone_and_the_next_in_line_opens()
    {
        await using var bench = await FlightBench.StartAsync(_ledger);
        var (refused, second, third) = await BoardAsync(bench);
        bench.Calls.ShouldBe(0);

        _first.SetResult(Exceeded);

        var answer = await refused;
        answer.ShouldBe(429, "quota-exceeded");
        answer.Header("Retry-After").ShouldBe("60");
        await ShouldBeMadeForOneOfAsync(bench, second, third);
    }

    [Fact]
    public async Task While_the_opener_waits_for_its_reservation_the_others_wait_and_then_share()
    {
        await using var bench = await FlightBench.StartAsync(_ledger);
        var (first, second, third) = await BoardAsync(bench);

        _first.SetResult(null);

        FlightBench.ShouldBeBy(await first, "MISS", units: 1);
        Array.ForEach(await Task.WhenAll(second, third), answer => FlightBench.ShouldBeBy(answer, "COALESCED", units: 0));
        _ledger.Asked.ShouldBe(["A"]);
        _ledger.Used.ShouldBe([1]);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Where_all_are_refused_each_is_told_and_upstream_is_never_asked()
    {
        _ledger.Decide = user => user == "A" ? _first.Task : Task.FromResult<GatewayProblem?>(Exceeded with { Error = $"Not today, {user}." });
        await using var bench = await FlightBench.StartAsync(_ledger);
        var (first, second, third) = await BoardAsync(bench);

        _first.SetResult(Exceeded with { Error = "Not today, A." });

        var answers = await Task.WhenAll(first, second, third);
        Array.ForEach(answers, answer => answer.ShouldBe(429, "quota-exceeded"));
        answers.Select(answer => answer.Error).ShouldBe(["Not today, A.", "Not today, B.", "Not today, C."]);
        _ledger.Asked.Order().ShouldBe(["A", "B", "C"]);
        bench.Calls.ShouldBe(0);
        await bench.ShouldEndEmptyAsync();

        _ledger.Decide = _ => Task.FromResult<GatewayProblem?>(null);
        FlightBench.ShouldBeBy(await bench.AskAsync(user: "A"), "MISS", units: 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_opener_who_leaves_while_it_waits_for_its_reservation_does_not_break_the_line(bool isGranted)
    {
        await using var bench = await FlightBench.StartAsync(_ledger);
        using var leaving = new CancellationTokenSource();
        var (first, second, third) = await BoardAsync(bench, leaving.Token);
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(first);

        _first.SetResult(isGranted ? null : Exceeded);

        if (isGranted)
        {
            // It is charged as anybody is who leaves a generation under way.
            Array.ForEach(await Task.WhenAll(second, third), answer => FlightBench.ShouldBeBy(answer, "COALESCED", units: 0));
            _ledger.Reserved.ShouldHaveSingleItem().Owner.Id.ShouldBe("A");
            _ledger.Used.ShouldBe([1]);
            await bench.ShouldEndEmptyAsync();
        }
        else
        {
            await ShouldBeMadeForOneOfAsync(bench, second, third);
        }
    }

    [Fact]
    public async Task Somebody_in_line_who_leaves_is_never_asked_to_open()
    {
        await using var bench = await FlightBench.StartAsync(_ledger);
        using var leaving = new CancellationTokenSource();
        var first = bench.AskAsync(user: "A");
        await Eventually.BeAsync(() => _ledger.Asked.Count == 1, "A asks to reserve");
        var leaver = bench.AskAsync(user: "B", leaving: leaving.Token);
        await bench.ShouldWaitAsync(1, generations: 0);
        var third = bench.AskAsync(user: "C");
        await bench.ShouldWaitAsync(2, generations: 0);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(1, generations: 0);

        _first.SetResult(Exceeded);

        (await first).ShouldBe(429, "quota-exceeded");
        FlightBench.ShouldBeBy(await third, "MISS", units: 1);
        await Should.ThrowAsync<OperationCanceledException>(leaver);
        _ledger.Asked.ShouldBe(["A", "C"]);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Waiting_for_somebody_elses_reservation_ends_at_the_wait_limit_too()
    {
        await using var bench = await FlightBench.StartAsync(_ledger, "Generation:WaitLimit=00:02:00");
        var (first, second, third) = await BoardAsync(bench);

        bench.Time.Advance(TimeSpan.FromMinutes(2));

        Array.ForEach(await Task.WhenAll(second, third), answer => answer.ShouldBe(504, "still-generating"));
        _first.SetResult(Exceeded);
        (await first).ShouldBe(429, "quota-exceeded");
        bench.Calls.ShouldBe(0);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_ledger_that_breaks_on_reserving_costs_the_opener_a_500_and_the_next_in_line_opens()
    {
        await using var bench = await FlightBench.StartAsync(_ledger);
        var (broken, second, third) = await BoardAsync(bench);

        _first.SetException(new InvalidOperationException("The ledger is broken."));

        (await broken).ShouldBe(500, "internal");
        await ShouldBeMadeForOneOfAsync(bench, second, third);
    }

    [Fact]
    public async Task A_refused_opener_alone_leaves_nothing_behind()
    {
        await using var bench = await FlightBench.StartAsync(_ledger);
        _first.SetResult(Exceeded);

        (await bench.AskAsync(user: "A")).ShouldBe(429, "quota-exceeded");
        (await bench.AskAsync(user: "A", cacheControl: "no-store")).ShouldBe(429, "quota-exceeded");

        bench.Calls.ShouldBe(0);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Of_a_hundred_in_line_with_few_who_may_open_all_but_the_refused_get_the_image()
    {
        _ledger.Decide = async user =>
        {
            await Task.Yield();
            return user == "A" ? await _first.Task : int.Parse(user[1..]) % 10 == 0 ? null : Exceeded;
        };
        await using var bench = await FlightBench.StartAsync(_ledger);
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(TimeSpan.FromMilliseconds(600)));
        var first = bench.AskAsync(user: "A");
        await Eventually.BeAsync(() => _ledger.Asked.Count == 1, "A asks to reserve");
        var others = Enumerable.Range(1, 100).Select(i => bench.AskAsync(user: $"u{i}")).ToArray();
        await bench.ShouldWaitAsync(100, generations: 0);

        _first.SetResult(Exceeded);
        await bench.ShouldRenderAsync(1);
        bench.UpstreamTime.Advance(TimeSpan.FromMilliseconds(600));

        var answers = await Task.WhenAll([.. others, first]);
        answers.Count(answer => answer.Header("X-Cache") == "MISS").ShouldBe(1);
        answers.Count(answer => answer.Header("X-Cache") is "COALESCED" or "HIT").ShouldBe(101 - _ledger.Asked.Count);
        answers.Count(answer => (int)answer.Status == 429).ShouldBe(_ledger.Asked.Count - 1);
        bench.Calls.ShouldBe(1);
        _ledger.Used.ShouldBe([1]);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Who_opens_for_another_has_the_fallbacks_of_its_own_tier()
    {
        await using var bench = await FlightBench.StartAsync(
            _ledger, $"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Xl}", $"Models:Catalog:{TestGateway.Xl}:Requires=PRO");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);
        var first = bench.AskAsync(model: TestGateway.Sd3, user: "A");
        await Eventually.BeAsync(() => _ledger.Asked.Count == 1, "A asks to reserve");
        var second = bench.AskAsync(model: TestGateway.Sd3, user: "B", tier: "free");
        await bench.ShouldWaitAsync(1, generations: 0);

        _first.SetResult(Exceeded);

        (await first).ShouldBe(429, "quota-exceeded");
        (await second).ShouldBe(404, "model-not-offered");
        bench.HuggingFace.Received.ShouldHaveSingleItem().Model.ShouldBe(TestGateway.Sd3);
        _ledger.Used.ShouldBe([0]);
    }

    [Fact]
    public async Task A_fallback_that_opens_for_another_has_the_fallbacks_of_who_pays_for_it()
    {
        await using var bench = await FlightBench.StartAsync(
            _ledger, $"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Schnell}", $"Models:Catalog:{TestGateway.Schnell}:Fallback={TestGateway.Xl}", $"Models:Catalog:{TestGateway.Xl}:Requires=PRO");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.Deprecated);
        var direct = bench.AskAsync(model: TestGateway.Schnell, user: "A");
        await Eventually.BeAsync(() => _ledger.Asked.Count == 1, "A asks to reserve");
        var fallback = bench.AskAsync(model: TestGateway.Sd3, user: "B", tier: "free");
        await Eventually.BeAsync(() => bench.Calls == 1, "the model was asked in vain");
        using var beside = bench.SeatAt(FlightBench.Body, TestGateway.Sd3);
        await Eventually.BeAsync(() => beside.Flight.Story.Fallback?.Flight is not null, "B's fallback is in line behind A");

        _first.SetResult(Exceeded);

        (await direct).ShouldBe(429, "quota-exceeded");
        (await fallback).ShouldBe(404, "model-not-offered");
        bench.HuggingFace.Received.Select(request => request.Model).ShouldBe([TestGateway.Sd3, TestGateway.Schnell]);
    }

    /// <summary>A opens, and waits for its reservation; B and C, in this order, ask the same.</summary>
    private async Task<(Task<Answer> First, Task<Answer> Second, Task<Answer> Third)> BoardAsync(FlightBench bench, CancellationToken leaving = default)
    {
        var first = bench.AskAsync(user: "A", leaving: leaving);
        await Eventually.BeAsync(() => _ledger.Asked.Count == 1, "A asks to reserve");
        var second = bench.AskAsync(user: "B", leaving: CancellationToken.None);
        await bench.ShouldWaitAsync(1, generations: 0);
        var third = bench.AskAsync(user: "C", leaving: CancellationToken.None);
        await bench.ShouldWaitAsync(2, generations: 0);
        _ledger.Asked.ShouldBe(["A"]);
        return (first, second, third);
    }

    private async Task ShouldBeMadeForOneOfAsync(FlightBench bench, Task<Answer> second, Task<Answer> third)
    {
        FlightBench.ShouldBeBy(await second, "MISS", units: 1);
        FlightBench.ShouldBeBy(await third, "COALESCED", units: 0);
        bench.Calls.ShouldBe(1);
        _ledger.Asked.ShouldBe(["A", "B"]);
        _ledger.Used.ShouldBe([1]);
        await bench.ShouldEndEmptyAsync();
    }
}
