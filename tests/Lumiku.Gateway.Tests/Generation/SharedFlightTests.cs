using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Equal requests at several replicas are one generation; a replica that dies in the middle is stood in for.</summary>
[Collection(Alone.Name)]
public sealed class SharedFlightTests : IAsyncLifetime
{
    private static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);

    private readonly ManualTime _upstreamTime = new();
    private readonly List<TestGateway> _replicas = [];
    private RedisServer _redis = null!;
    private FaultProxy _wire = null!;
    private HuggingFaceSimulator _huggingFace = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _wire = new FaultProxy(_redis.Port);
        _huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = _upstreamTime });
        _huggingFace.Behave("*", Misbehaviour.Delay(Rendering));
    }

    public async ValueTask DisposeAsync()
    {
        await _huggingFace.DisposeAsync();
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        await _wire.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Theory]
    [InlineData("Reuse")]
    [InlineData("RetryOnly")]
    public async Task Of_200_equal_requests_at_three_replicas_one_is_made_and_all_get_it(string unseeded)
    {
        await StartAsync(3, $"Cache:Unseeded={unseeded}");
        var asking = Enumerable.Range(0, 200).Select(i => AskAsync(i % 3, $"user-{i}")).ToArray();
        await ShouldRenderAsync(1);
        await Task.Delay(TimeSpan.FromMilliseconds(700), TimeProvider.System, TestContext.Current.CancellationToken);

        _upstreamTime.Advance(Rendering);
        var answers = await Task.WhenAll(asking);

        Array.ForEach(answers, answer => answer.ShouldBeAnImage());
        Array.ForEach(answers, answer => answer.Body.ShouldBe(answers[0].Body));
        Figures.Add("redis", $"200 equal requests at 3 replicas ({unseeded}): {_huggingFace.Received.Count} upstream call");
        _huggingFace.Received.Count.ShouldBe(1);
        answers.Count(answer => answer.Header("X-Cache") == "MISS").ShouldBe(1);
        answers.Count(answer => answer.Header("X-Lumiku-Units") == "1").ShouldBe(1);
        answers.Count(answer => answer.Header("X-Cache") is "COALESCED" or "HIT").ShouldBe(199);
    }

    [Fact]
    public async Task A_failure_is_shared_too()
    {
        _huggingFace.Behave("*", Misbehaviour.Empty500);
        await StartAsync(3);

        for (var round = 0; round < 5; round++)
        {
            var before = _huggingFace.Received.Count;
            var body = $$"""{"inputs":"round {{round}}"}""";
            var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => AskAsync(i % 3, $"user-{i}", body)));
            Array.ForEach(answers, answer => answer.ShouldBe(502, "upstream-failed"));
            (_huggingFace.Received.Count - before).ShouldBeInRange(1, 3, "one, unless a replica's callers came after it had ended");
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
            _upstreamTime.Advance(Rendering);

            Array.ForEach(await Task.WhenAll(served), answer => answer.ShouldBeAnImage());
            (await Task.WhenAll(refused)).ShouldAllBe(answer => (int)answer.Status == 200 || (int)answer.Status == 429);
            _huggingFace.Received.Count.ShouldBe(round + 1);
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

        _upstreamTime.Advance(Rendering);

        FlightBench.ShouldBeBy(await leading, "MISS", units: 1);
        FlightBench.ShouldBeBy(await next, "COALESCED", units: 0);
        _huggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_fallbacks_image_is_for_those_who_follow_too()
    {
        _huggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        await StartAsync(2);
        var first = AskAsync(0, "one", tier: "pro", model: TestGateway.Dev);
        await ShouldRenderAsync(1);
        var second = AskAsync(1, "two", tier: "pro", model: TestGateway.Dev);
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, TestContext.Current.CancellationToken);

        _upstreamTime.Advance(Rendering);

        foreach (var answer in await Task.WhenAll(first, second))
        {
            answer.ShouldBeAnImage();
            answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
            answer.Header("X-Lumiku-Substitution").ShouldBe("upstream");
        }

        (await second).Header("X-Lumiku-Units").ShouldBe("0");
        _huggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Who_follows_waits_no_longer_than_its_limit()
    {
        await StartAsync(2, $"Models:Catalog:{TestGateway.Sd3}:WaitLimit=00:00:02");
        var leading = AskAsync(0, "leader");
        await ShouldRenderAsync(1);

        (await AskAsync(1, "follower")).ShouldBe(504, "still-generating");

        (await leading).ShouldBe(504, "still-generating");
        _upstreamTime.Advance(Rendering);
        await Eventually.BeAsync(async () => (await AskAsync(1, "follower")).Header("X-Cache") is "HIT" or "COALESCED", "it is picked up");
        _huggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_must_not_be_shared_is_made_for_each()
    {
        await StartAsync(2);
        var asking = new[] { AskAsync(0, "one", cacheControl: "no-store"), AskAsync(1, "two", cacheControl: "no-store") };
        await ShouldRenderAsync(2);

        _upstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(asking), answer => FlightBench.ShouldBeBy(answer, "BYPASS", units: 1));
    }

    [Fact]
    public async Task A_replica_that_is_killed_while_it_leads_is_stood_in_for_and_all_others_are_answered()
    {
        await StartAsync(2);
        var dying = await GatewayProcess.ServeAsync(_huggingFace.Address, new() { ["REDIS_URL"] = _redis.Url });
        await Eventually.BeAsync(async () => (await dying.Client.GetStringAsync("/health/ready")).Contains("\"ready\"", StringComparison.Ordinal), "it is connected");
        var lost = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(FlightBench.Body) };
        lost.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        _ = dying.Client.SendAsync(lost, TestContext.Current.CancellationToken);
        await ShouldRenderAsync(1);
        var asking = Enumerable.Range(0, 200).Select(i => AskAsync(i % 2, $"user-{i}")).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
        _huggingFace.Received.Count.ShouldBe(1);

        var began = TimeProvider.System.GetTimestamp();
        await dying.DisposeAsync();
        await Eventually.BeAsync(() => _huggingFace.Received.Count == 2, "another leads");
        var took = TimeProvider.System.GetElapsedTime(began);
        await ShouldRenderAsync(1);
        _upstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
        Figures.Add("redis", $"leader of 200 equal requests killed: {_huggingFace.Received.Count} upstream calls, another replica led after {took.TotalSeconds:0.0} s (at most 12)");
        _huggingFace.Received.Count.ShouldBe(2);
        took.ShouldBeLessThan(TimeSpan.FromSeconds(12));
    }

    [Fact]
    public async Task Without_redis_each_replica_makes_its_own_and_nobody_fails()
    {
        await StartAsync(2, isPatient: false);
        _wire.IsSilent = true;
        var asking = Enumerable.Range(0, 40).Select(i => AskAsync(i % 2, $"user-{i}")).ToArray();
        await ShouldRenderAsync(2);

        _upstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
        _huggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Redis_that_goes_away_in_the_middle_fails_nobody()
    {
        await StartAsync(2, isPatient: false);
        var asking = Enumerable.Range(0, 40).Select(i => AskAsync(i % 2, $"user-{i}")).ToArray();
        await ShouldRenderAsync(1);

        _wire.IsSilent = true;
        await Eventually.BeAsync(() => _huggingFace.Received.Count == 2, "the replica that followed leads for itself");
        await ShouldRenderAsync(2);
        _upstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
    }

    private Task StartAsync(int replicas, params string[] settings) => StartAsync(replicas, isPatient: true, settings);

    private async Task StartAsync(int replicas, bool isPatient, params string[] settings)
    {
        for (var i = 0; i < replicas; i++)
        {
            _replicas.Add(await Replica.StartAsync(_huggingFace, _wire.Port, isPatient, settings));
        }
    }

    private async Task<Answer> AskAsync(
        int replica, string user, string body = FlightBench.Body, string? tier = null, string model = TestGateway.Sd3, string? cacheControl = null, CancellationToken leaving = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json(body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", user);
        if (tier is not null)
        {
            request.Headers.Add("X-Lumiku-Tier", tier);
        }

        if (cacheControl is not null)
        {
            request.Headers.Add("Cache-Control", cacheControl);
        }

        return await Answer.ReadAsync(await _replicas[replica].Client.SendAsync(request, leaving));
    }

    private Task ShouldRenderAsync(int pictures) => Eventually.BeAsync(() => _upstreamTime.Waiting == pictures, $"{pictures} pictures are being made; it was {_upstreamTime.Waiting}");
}
