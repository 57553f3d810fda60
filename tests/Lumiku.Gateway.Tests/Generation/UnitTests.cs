using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Units are reserved by whoever opens a generation, and settled once with what it used.</summary>
public class UnitTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromMilliseconds(600);

    private readonly RecordingLedger _ledger = new();

    [Fact]
    public async Task The_opener_reserves_the_served_models_units_and_is_charged_them()
    {
        await using var bench = await FlightBench.StartAsync(_ledger, $"Models:Catalog:{TestGateway.Dev}:Units=3");

        FlightBench.ShouldBeBy(await bench.AskAsync(user: "A"), "MISS", units: 3);

        await bench.ShouldEndEmptyAsync();
        var reservation = _ledger.Reserved.ShouldHaveSingleItem();
        (reservation.Owner.Id, reservation.Units).ShouldBe(("A", 3));
        _ledger.Used.ShouldBe([3]);
    }

    [Fact]
    public async Task A_substitute_costs_its_own_units()
    {
        await using var bench = await FlightBench.StartAsync(_ledger, $"Models:Catalog:{TestGateway.Dev}:Units=3", $"Models:Catalog:{TestGateway.Schnell}:Units=2");

        var answer = await bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, tier: "FREE");

        FlightBench.ShouldBeBy(answer, "MISS", units: 2);
        await bench.ShouldEndEmptyAsync();
        _ledger.Reserved.ShouldHaveSingleItem().Units.ShouldBe(2);
        _ledger.Used.ShouldBe([2]);
    }

    [Theory]
    [InlineData("empty-500", "upstream-failed")]
    [InlineData("html-200", "not-an-image")]
    [InlineData("png-without-end", "not-an-image")]
    [InlineData("gateway-timeout", "upstream-timeout")]
    public async Task What_was_reserved_is_given_back_where_no_image_came(string kind, string type)
    {
        await using var bench = await FlightBench.StartAsync(_ledger, $"Models:Catalog:{TestGateway.Sd3}:Units=3");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));

        (await bench.AskAsync(model: TestGateway.Sd3)).ErrorType.ShouldBe(type);
        (await bench.AskAsync(model: TestGateway.Sd3)).ErrorType.ShouldBe(type);

        _ledger.Reserved.ShouldHaveSingleItem("the failure was remembered").Units.ShouldBe(3);
        _ledger.Used.ShouldBe([0]);
    }

    [Fact]
    public async Task Who_joins_a_generation_or_finds_the_image_reserves_nothing()
    {
        await using var bench = await FlightBench.StartAsync(_ledger);
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(Rendering));
        var asking = bench.AskMany(20);
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(20);
        bench.UpstreamTime.Advance(Rendering);
        await Task.WhenAll(asking);

        FlightBench.ShouldBeBy(await bench.AskAsync(user: "late"), "HIT", units: 0);

        _ledger.Asked.ShouldHaveSingleItem();
        _ledger.Used.ShouldBe([1]);
    }

    [Fact]
    public async Task A_no_store_request_reserves_and_is_charged_also_when_its_caller_left()
    {
        await using var bench = await FlightBench.StartAsync(_ledger, $"Models:Catalog:{TestGateway.Dev}:Units=3");
        FlightBench.ShouldBeBy(await bench.AskAsync(cacheControl: "no-store"), "BYPASS", units: 3);
        FlightBench.ShouldBeBy(await bench.AskAsync(cacheControl: "no-store"), "BYPASS", units: 3);
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(Rendering));
        using var leaving = new CancellationTokenSource();
        var leaver = bench.AskAsync(cacheControl: "no-store", leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);

        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(0);
        bench.UpstreamTime.Advance(Rendering);

        await Should.ThrowAsync<OperationCanceledException>(leaver);
        await bench.ShouldEndEmptyAsync();
        _ledger.Reserved.Select(reservation => reservation.Units).ShouldBe([3, 3, 3]);
        _ledger.Used.ShouldBe([3, 3, 3]);
    }

    [Fact]
    public async Task A_generation_that_all_have_left_is_charged_once()
    {
        await using var bench = await FlightBench.StartAsync(_ledger);
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(Rendering));
        using var leaving = new CancellationTokenSource();
        var leaver = bench.AskAsync(leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(0);
        bench.UpstreamTime.Advance(Rendering);
        await Should.ThrowAsync<OperationCanceledException>(leaver);
        await bench.ShouldEndEmptyAsync();

        FlightBench.ShouldBeBy(await bench.AskAsync(), "HIT", units: 0);

        _ledger.Used.ShouldBe([1]);
    }

    [Fact]
    public async Task A_ledger_that_breaks_on_settling_does_not_hurt_the_answer()
    {
        _ledger.BreaksOnSettling = true;
        await using var bench = await FlightBench.StartAsync(_ledger);

        FlightBench.ShouldBeBy(await bench.AskAsync(), "MISS", units: 1);
        FlightBench.ShouldBeBy(await bench.AskAsync(), "HIT", units: 0);

        _ledger.Used.ShouldBe([1], "once, and not again");
        await bench.ShouldEndEmptyAsync();
    }

    [Theory]
    [InlineData(5, 2)]
    [InlineData(2, 2)]
    [InlineData(1, 1)]
    [InlineData(0, 0)]
    public async Task A_fallback_is_charged_its_own_units_but_never_more_than_were_reserved(int units, int charged)
    {
        await using var bench = await StartDeprecatedAsync(units);

        FlightBench.ShouldBeBy(await bench.AskAsync(), "MISS", charged);

        await bench.ShouldEndEmptyAsync();
        _ledger.Reserved.ShouldHaveSingleItem().Units.ShouldBe(2);
        _ledger.Used.ShouldBe([charged]);
    }

    [Fact]
    public async Task A_fallbacks_image_costs_nothing_where_it_was_kept_before()
    {
        await using var bench = await StartDeprecatedAsync(units: 5);
        await bench.AskAsync(model: TestGateway.Schnell);

        FlightBench.ShouldBeBy(await bench.AskAsync(), "HIT", units: 0);

        await bench.ShouldEndEmptyAsync();
        _ledger.Reserved.Select(reservation => reservation.Units).ShouldBe([5, 2]);
        _ledger.Used.ShouldBe([5, 0]);
    }

    [Fact]
    public async Task A_fallbacks_image_costs_nothing_where_it_is_being_made_for_another()
    {
        await using var bench = await StartDeprecatedAsync(units: 5);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.Delay(Rendering));
        var first = bench.AskAsync(model: TestGateway.Schnell);
        await bench.ShouldRenderAsync(1);
        var second = bench.AskAsync();
        await Eventually.BeAsync(() => bench.Calls == 2, "the model was asked in vain");
        await bench.ShouldWaitAsync(2, generations: 2);
        bench.UpstreamTime.Advance(Rendering);

        FlightBench.ShouldBeBy(await first, "MISS", units: 5);
        FlightBench.ShouldBeBy(await second, "COALESCED", units: 0);
        await bench.ShouldEndEmptyAsync();
        _ledger.Used.ShouldBe([5, 0]);
    }

    [Fact]
    public async Task A_fallback_that_fails_too_costs_nothing()
    {
        await using var bench = await StartDeprecatedAsync(units: 1);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.Empty500);

        (await bench.AskAsync()).ShouldBe(502, "upstream-failed");

        _ledger.Reserved.ShouldHaveSingleItem().Units.ShouldBe(2);
        _ledger.Used.ShouldBe([0]);
    }

    private async Task<FlightBench> StartDeprecatedAsync(int units)
    {
        var bench = await FlightBench.StartAsync(_ledger, $"Models:Catalog:{TestGateway.Dev}:Units=2", $"Models:Catalog:{TestGateway.Schnell}:Units={units}");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        return bench;
    }
}
