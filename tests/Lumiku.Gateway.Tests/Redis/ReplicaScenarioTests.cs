using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Redis;

/// <summary>Three gateways as they are deployed, a process each, act as one. Figures are printed.</summary>
[Collection(Alone.Name)]
public sealed class ReplicaScenarioTests : ReplicaTests
{
    private readonly List<GatewayProcess> _processes = [];

    public override async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    [Theory]
    [InlineData("Reuse")]
    [InlineData("RetryOnly")]
    public async Task Of_200_equal_requests_one_is_made_and_all_get_it(string unseeded)
    {
        Assert.SkipUnless(LongRun.IsOn || unseeded == "RetryOnly", LongRun.Reason);
        HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        await ServeAsync(Replica.Patience, $"Cache:Unseeded={unseeded}");
        var asking = Enumerable.Range(0, 200).Select(i => AskAsync(i % 3, $"user-{i}")).ToArray();
        await ShouldRenderAsync(1);
        await PassAsync(TimeSpan.FromMilliseconds(700));

        UpstreamTime.Advance(Rendering);
        var answers = await Task.WhenAll(asking);

        Array.ForEach(answers, answer => answer.ShouldBeAnImage());
        Array.ForEach(answers, answer => answer.Body.ShouldBe(answers[0].Body));
        Figures.Add("redis", $"200 equal requests at 3 replicas ({unseeded}): {HuggingFace.Received.Count} upstream call");
        HuggingFace.Received.Count.ShouldBe(1);
        answers.Count(answer => answer.Header("X-Cache") == "MISS").ShouldBe(1);
        answers.Count(answer => answer.Header("X-Lumiku-Units") == "1").ShouldBe(1);
        answers.Count(answer => answer.Header("X-Cache") is "COALESCED" or "HIT").ShouldBe(199);
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task One_that_is_killed_while_it_leads_is_stood_in_for_and_all_others_are_answered()
    {
        HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        await ServeAsync(Replica.Patience);
        _ = AskAsync(2, "whose-replica-dies");
        await ShouldRenderAsync(1);
        var asking = Enumerable.Range(0, 200).Select(i => AskAsync(i % 2, $"user-{i}")).ToArray();
        await PassAsync(TimeSpan.FromSeconds(1));
        HuggingFace.Received.Count.ShouldBe(1);

        var began = TimeProvider.System.GetTimestamp();
        await _processes[2].KillAsync();
        await Eventually.BeAsync(() => HuggingFace.Received.Count == 2, "another leads");
        var took = TimeProvider.System.GetElapsedTime(began);
        await ShouldRenderAsync(1);
        UpstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
        Figures.Add("redis", $"leader of 200 equal requests killed: {HuggingFace.Received.Count} upstream calls, another replica led after {took.TotalSeconds:0.0} s (at most 12)");
        HuggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Of_24_workers_exactly_as_many_pass_as_the_limit_allows_in_all_rounds()
    {
        await ServeAsync(Replica.Patience, "Tiers:free:RequestsPerMinute=1", "Tiers:free:Burst=100");
        var passed = await RoundsAsync(LongRun.IsOn ? 50 : 20);

        var (over, under) = (passed.Sum(count => Math.Max(0, count - 100)), passed.Sum(count => Math.Max(0, 100 - count)));
        Figures.Add("redis", $"3 replicas, 24 workers, limit 100 of requests, {passed.Length} rounds: {over} over-admitted, {under} under-admitted");
        (over, under).ShouldBe((0, 0));
    }

    [Fact]
    public async Task While_redis_is_away_nobody_fails_and_each_goes_by_its_share()
    {
        await ServeAsync("Tiers:free:RequestsPerMinute=1", "Tiers:free:Burst=100", "Redis:ExpectedReplicas=3");
        await MakeAsync();
        Redis.Kill();

        var passed = await RoundsAsync(10);

        Figures.Add("redis", $"away: 3 replicas, 24 workers, limit 100 of requests, {passed.Length} rounds: {passed.Min()} to {passed.Max()} admitted (at most 113)");
        passed.ShouldAllBe(count => count >= 100 && count <= 102);
        var refused = await AskAsync(0, "user-0");
        refused.Header("RateLimit-Policy").ShouldBe("\"requests\";q=1;w=60");
        refused.Json.GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain("1 a minute with 34 in one go");

        Redis.Start();
        await ShouldAllBeReadyAsync();
        (await PassAsync(3, "user-after", FlightBench.Body, "rate-limited")).ShouldBeInRange(100, 103, "exact again, but for a replica that decides by itself once more on a busy machine");
    }

    private protected override HttpClient ClientOf(int replica) => _processes[replica].Client;

    /// <summary>Three processes, and each of them is ready.</summary>
    private async Task ServeAsync(params string[] settings)
    {
        Dictionary<string, string> environment = new() { ["REDIS_URL"] = $"redis://127.0.0.1:{Wire.Port}", ["GATEWAY_SETTINGS"] = TestGateway.UnlimitedSettings };
        string[] args = [.. settings.Select(setting => $"--{setting}")];
        for (var i = 0; i < 3; i++)
        {
            _processes.Add(await GatewayProcess.ServeAsync(HuggingFace.Address, environment, args));
        }

        await ShouldAllBeReadyAsync();
    }

    /// <returns>How many passed in each round; in each it is another user.</returns>
    private async Task<int[]> RoundsAsync(int rounds)
    {
        await MakeAsync();
        var passed = new int[rounds];
        for (var round = 0; round < rounds; round++)
        {
            passed[round] = await PassAsync(3, $"user-{round}", FlightBench.Body, "rate-limited");
        }

        return passed;
    }

    /// <summary>The picture that all ask for; each replica keeps it.</summary>
    private async Task MakeAsync()
    {
        for (var i = 0; i < 3; i++)
        {
            (await AskAsync(i, "first")).ShouldBeAnImage();
        }
    }

    private async Task ShouldAllBeReadyAsync()
    {
        foreach (var process in _processes)
        {
            await Eventually.BeAsync(async () => await process.Client.GetStringAsync("/health/ready") == """{"status":"ready"}""", "it is ready");
        }
    }

    private static Task PassAsync(TimeSpan span) => Task.Delay(span, TimeProvider.System, TestContext.Current.CancellationToken);
}
