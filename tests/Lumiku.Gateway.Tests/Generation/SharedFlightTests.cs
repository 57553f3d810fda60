using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Equal requests at several replicas are one generation, in every outcome.</summary>
public sealed class SharedFlightTests : ReplicaTests
{
    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
    }

    [Fact]
    public async Task A_failure_is_shared_too()
    {
        HuggingFace.Behave("*", Misbehaviour.Empty500);
        await StartAsync(3);

        for (var round = 0; round < 5; round++)
        {
            var before = HuggingFace.Received.Count;
            var body = $$"""{"inputs":"round {{round}}"}""";
            var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => AskAsync(i % 3, $"user-{i}", body)));
            Array.ForEach(answers, answer => answer.ShouldBe(502, "upstream-failed"));
            (HuggingFace.Received.Count - before).ShouldBeInRange(1, 3, "one, unless a replica's callers came after it had ended");
        }
    }

    [Fact]
    public async Task Who_is_refused_at_one_replica_leaves_it_to_the_next_at_another()
    {
        await StartAsync(2, "Tiers:free:UnitsPerDay=0", "Tiers:basic:UnitsPerDay=50");

        for (var round = 0; round < 10; round++)
        {
            var body = $$"""{"inputs":"round {{round}}"}""";
            var refused = Enumerable.Range(0, 5).Select(i => AskAsync(0, $"free-{i}", body, tier: "free")).ToArray();
            var served = Enumerable.Range(0, 5).Select(i => AskAsync(1, $"basic-{i}", body, tier: "basic")).ToArray();
            await ShouldRenderAsync(1);
            UpstreamTime.Advance(Rendering);

            Array.ForEach(await Task.WhenAll(served), answer => answer.ShouldBeAnImage());
            (await Task.WhenAll(refused)).ShouldAllBe(answer => (int)answer.Status == 200 || (int)answer.Status == 429);
            HuggingFace.Received.Count.ShouldBe(round + 1);
        }
    }

    [Fact]
    public async Task A_caller_who_leaves_while_it_follows_leaves_that_to_the_next()
    {
        await StartAsync(2);
        var leading = AskAsync(0, "leader");
        await ShouldRenderAsync(1);
        using var leaving = new CancellationTokenSource();
        var leaver = AskAsync(1, "leaver", leaving: leaving.Token);
        await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, TestContext.Current.CancellationToken);
        var next = AskAsync(1, "next");
        await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, TestContext.Current.CancellationToken);
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(leaver);

        UpstreamTime.Advance(Rendering);

        FlightBench.ShouldBeBy(await leading, "MISS", units: 1);
        FlightBench.ShouldBeBy(await next, "COALESCED", units: 0);
        HuggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_fallbacks_image_is_for_those_who_follow_too()
    {
        HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        await StartAsync(2);
        var first = AskAsync(0, "one", tier: "pro", model: TestGateway.Dev);
        await ShouldRenderAsync(1);
        var second = AskAsync(1, "two", tier: "pro", model: TestGateway.Dev);
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, TestContext.Current.CancellationToken);

        UpstreamTime.Advance(Rendering);

        foreach (var answer in await Task.WhenAll(first, second))
        {
            answer.ShouldBeAnImage();
            answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
            answer.Header("X-Lumiku-Substitution").ShouldBe("upstream");
        }

        (await second).Header("X-Lumiku-Units").ShouldBe("0");
        HuggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Who_follows_waits_no_longer_than_its_limit()
    {
        await StartAsync(2, $"Models:Catalog:{TestGateway.Sd3}:WaitLimit=00:00:02");
        var leading = AskAsync(0, "leader");
        await ShouldRenderAsync(1);

        (await AskAsync(1, "follower")).ShouldBe(504, "still-generating");

        (await leading).ShouldBe(504, "still-generating");
        UpstreamTime.Advance(Rendering);
        await Eventually.BeAsync(async () => (await AskAsync(1, "follower")).Header("X-Cache") is "HIT" or "COALESCED", "it is picked up");
        HuggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_must_not_be_shared_is_made_for_each()
    {
        await StartAsync(2);
        var asking = new[] { AskAsync(0, "one", cacheControl: "no-store"), AskAsync(1, "two", cacheControl: "no-store") };
        await ShouldRenderAsync(2);

        UpstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(asking), answer => FlightBench.ShouldBeBy(answer, "BYPASS", units: 1));
    }

    [Fact]
    public async Task Without_redis_each_replica_makes_its_own_and_nobody_fails()
    {
        await StartAsync(2, isPatient: false);
        Wire.IsSilent = true;
        var asking = Enumerable.Range(0, 40).Select(i => AskAsync(i % 2, $"user-{i}")).ToArray();
        await ShouldRenderAsync(2);

        UpstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
        HuggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Redis_that_goes_away_in_the_middle_fails_nobody()
    {
        await StartAsync(2, isPatient: false);
        var asking = Enumerable.Range(0, 40).Select(i => AskAsync(i % 2, $"user-{i}")).ToArray();
        await Eventually.BeAsync(() => UpstreamTime.Waiting >= 1, "a picture is being made; two where the machine is so slow that Redis seems to be away already");

        Wire.IsSilent = true;
        await Eventually.BeAsync(() => HuggingFace.Received.Count == 2, "the replica that followed leads for itself");
        await ShouldRenderAsync(2);
        UpstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
    }

    private Task StartAsync(int replicas, params string[] settings) => StartAsync(replicas, isPatient: true, settings);
}
