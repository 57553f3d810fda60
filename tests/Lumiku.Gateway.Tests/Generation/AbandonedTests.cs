using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>What nobody waits for is finished, but a user cannot leave any number of generations behind.</summary>
public class AbandonedTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);
    private static readonly Owner Anna = new(IsUser: true, "anna");

    [Fact]
    public async Task Beyond_the_limit_another_one_is_refused_to_that_user_alone_until_one_ends()
    {
        await using var bench = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await LeaveAsync(bench, i);
        }

        var refused = await bench.AskAsync(BodyOf(3), user: "anna");
        refused.ShouldBe(429, "too-many-at-once");
        refused.Header("Retry-After").ShouldBe("10");
        refused.Error.ShouldBe("3 generations are under way that nobody waits for any more. Send one of those requests again to pick its image up, or wait for them to end.");
        var other = bench.AskAsync(BodyOf(3), user: "ben");
        await bench.ShouldRenderAsync(4);

        bench.UpstreamTime.Advance(Rendering);
        (await other).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
        CountOf(bench).ShouldBe(0);
        FlightBench.ShouldBeBy(await bench.AskAsync(BodyOf(0), user: "anna"), "HIT", units: 0);
        bench.HuggingFace.BehaveWell();
        (await bench.AskAsync(BodyOf(4), user: "anna")).ShouldBeAnImage();
    }

    [Fact]
    public async Task Who_asks_again_for_one_of_them_waits_for_it_and_may_have_another()
    {
        await using var bench = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await LeaveAsync(bench, i);
        }

        var again = bench.AskAsync(BodyOf(0), user: "anna");
        await Eventually.BeAsync(() => CountOf(bench) == 2, "somebody waits for it again");
        var another = bench.AskAsync(BodyOf(3), user: "anna");
        await bench.ShouldRenderAsync(4);

        bench.UpstreamTime.Advance(Rendering);
        FlightBench.ShouldBeBy(await again, "COALESCED", units: 0);
        FlightBench.ShouldBeBy(await another, "MISS", units: 1);
        await bench.ShouldEndEmptyAsync();
        CountOf(bench).ShouldBe(0);
    }

    [Fact]
    public async Task One_that_somebody_else_waits_for_is_not_abandoned()
    {
        await using var bench = await StartAsync();
        using var leaving = new CancellationTokenSource();
        var opener = bench.AskAsync(BodyOf(0), user: "anna", leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        var other = bench.AskAsync(BodyOf(0), user: "ben");
        await bench.ShouldWaitAsync(2);

        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(opener);
        await bench.ShouldWaitAsync(1);

        CountOf(bench).ShouldBe(0);
        bench.UpstreamTime.Advance(Rendering);
        (await other).ShouldBeAnImage();
    }

    [Fact]
    public async Task One_that_fails_or_runs_into_its_deadline_counts_no_longer()
    {
        await using var bench = await StartAsync("Generation:Deadline=00:01:00");
        await LeaveAsync(bench, 0);
        CountOf(bench).ShouldBe(1);

        bench.Time.Advance(TimeSpan.FromMinutes(1));

        await Eventually.BeAsync(() => CountOf(bench) == 0, "it has ended");
    }

    [Fact]
    public async Task What_was_left_without_being_kept_counts_too()
    {
        await using var bench = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await LeaveAsync(bench, i, cacheControl: "no-store");
        }

        (await bench.AskAsync(BodyOf(3), user: "anna", cacheControl: "no-store")).ShouldBe(429, "too-many-at-once");
        bench.UpstreamTime.Advance(Rendering);
        await bench.ShouldEndEmptyAsync();
        CountOf(bench).ShouldBe(0);
    }

    private static async Task LeaveAsync(FlightBench bench, int i, string? cacheControl = null)
    {
        using var leaving = new CancellationTokenSource();
        var asking = bench.AskAsync(BodyOf(i), user: "anna", cacheControl: cacheControl, leaving: leaving.Token);
        await bench.ShouldRenderAsync(i + 1);
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asking);
        await Eventually.BeAsync(() => CountOf(bench) == i + 1, "nobody waits for it");
    }

    private static int CountOf(FlightBench bench) => bench.Gateway.Services.GetRequiredService<AbandonedGenerations>().CountOf(Anna);

    private static string BodyOf(int i) => $$"""{"inputs":"heron {{i}}"}""";

    private static async Task<FlightBench> StartAsync(params string[] settings)
    {
        var bench = await FlightBench.StartAsync(["Generation:AbandonedPerUser=3", .. settings]);
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        return bench;
    }
}
