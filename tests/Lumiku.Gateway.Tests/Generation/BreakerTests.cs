using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>A model that keeps failing is left alone for a while: its generations go straight to the fallback.</summary>
public class BreakerTests
{
    private static readonly TimeSpan OpenFor = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task After_four_failures_the_fallback_is_asked_at_once_until_one_try_finds_the_model_well()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 4, callsOfDev: 4);

        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 5, callsOfDev: 4);

        bench.Time.Advance(OpenFor);
        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 5, callsOfDev: 5); // One tries, in vain: the others do not.

        bench.HuggingFace.BehaveWell();
        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 1, callsOfDev: 5);
        bench.Time.Advance(OpenFor);
        await ShouldBeServedAsync(bench, TestGateway.Dev, generations: 5, callsOfDev: 10);
    }

    [Fact]
    public async Task Only_one_of_those_who_come_at_once_tries()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 4, callsOfDev: 4);
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        bench.Time.Advance(OpenFor);

        var trying = bench.GenerateAsync(TestGateway.Dev);
        await bench.ShouldBeAskedAsync(TestGateway.Dev, 5);
        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 5, callsOfDev: 5);
        await bench.PassUpstreamAsync(TimeSpan.FromSeconds(1), answers: 1);

        (await trying).Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Dev);
    }

    [Fact]
    public async Task The_settings_say_how_many_failures_and_for_how_long()
    {
        await using var bench = await TroubleBench.StartAsync("Generation:Breaker:MinimumGenerations=2", "Generation:Breaker:OpenFor=00:01:00");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);

        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 4, callsOfDev: 2);
        bench.Time.Advance(TimeSpan.FromSeconds(59));
        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 1, callsOfDev: 2);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 1, callsOfDev: 3);
    }

    [Fact]
    public async Task Failures_that_are_fewer_than_the_ratio_or_older_than_the_window_leave_it_closed()
    {
        await using var bench = await TroubleBench.StartAsync();
        foreach (var behaviour in new[] { Misbehaviour.Well, Misbehaviour.Well, Misbehaviour.Well, Misbehaviour.Deprecated, Misbehaviour.Deprecated })
        {
            bench.HuggingFace.Behave(TestGateway.Dev, behaviour);
            (await bench.GenerateAsync(TestGateway.Dev)).ShouldBeAnImage();
        }

        bench.Time.Advance(TimeSpan.FromMinutes(2));
        for (var calls = 6; calls < 9; calls++)
        {
            await ShouldBeServedAsync(bench, TestGateway.Schnell, generations: 1, calls);
        }

        bench.CallsOf(TestGateway.Dev).ShouldBe(8);
    }

    [Fact]
    public async Task Failures_that_the_fallback_is_not_for_do_not_count()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.BadGateway);

        for (var generation = 0; generation < 10; generation++)
        {
            (await bench.GenerateAsync(TestGateway.Dev)).ShouldBe(502, "upstream-failed");
        }

        bench.CallsOf(TestGateway.Dev).ShouldBe(10);
    }

    [Fact]
    public async Task A_model_without_a_fallback_is_always_asked()
    {
        await using var bench = await TroubleBench.StartAsync();
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);

        for (var generation = 0; generation < 10; generation++)
        {
            (await bench.GenerateAsync(TestGateway.Sd3)).ShouldBe(404, "model-not-offered");
        }

        bench.CallsOf(TestGateway.Sd3).ShouldBe(10);
    }

    [Fact]
    public async Task A_tier_that_may_not_have_the_fallback_asks_the_model_even_while_its_breaker_is_open()
    {
        await using var bench = await TroubleBench.StartAsync($"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Xl}", $"Models:Catalog:{TestGateway.Xl}:Requires=PRO");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);
        for (var generation = 0; generation < 5; generation++)
        {
            (await bench.GenerateAsync(TestGateway.Sd3, "pro")).ShouldBeAnImage();
        }

        bench.CallsOf(TestGateway.Sd3).ShouldBe(4);
        (await bench.GenerateAsync(TestGateway.Sd3, "free")).ShouldBe(404, "model-not-offered");
        bench.CallsOf(TestGateway.Sd3).ShouldBe(5);
    }

    private static async Task ShouldBeServedAsync(TroubleBench bench, string by, int generations, int callsOfDev)
    {
        for (var generation = 0; generation < generations; generation++)
        {
            var answer = await bench.GenerateAsync(TestGateway.Dev);
            answer.ShouldBeAnImage();
            answer.Header("X-Lumiku-Model-Served").ShouldBe(by);
        }

        bench.CallsOf(TestGateway.Dev).ShouldBe(callsOfDev);
    }
}
