using System.Diagnostics;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Health;

/// <summary>Three gateways as they are deployed, a process each, behind HAProxy as <c>deploy/haproxy.cfg</c> has it. Figures are printed.</summary>
[Collection(Alone.Name)]
public sealed class RollingRestartTests : IAsyncLifetime
{
    /// <summary>As long as they come.</summary>
    private static readonly TimeSpan Rendering = TimeSpan.FromSeconds(90);

    private readonly int[] _ports = [RedisServer.FreePort(), RedisServer.FreePort(), RedisServer.FreePort()];
    private readonly GatewayProcess?[] _replicas = new GatewayProcess?[3];
    private RedisServer _redis = null!;
    private HuggingFaceSimulator _huggingFace = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _huggingFace = await HuggingFaceSimulator.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas.OfType<GatewayProcess>())
        {
            await replica.DisposeAsync();
        }

        await _huggingFace.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task Of_three_replicas_restarted_one_by_one_under_load_no_request_is_lost_and_no_generation_paid_twice()
    {
        _huggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(Rendering));
        _huggingFace.Behave(TestGateway.Schnell, Misbehaviour.Delay(TimeSpan.FromMilliseconds(200)));
        await Task.WhenAll(ServeAsync(0), ServeAsync(1), ServeAsync(2));
        await using var balancer = await HaProxy.StartAsync(_ports);
        using var enough = new CancellationTokenSource();
        var load = new SteadyLoad(balancer.Address);
        var asking = load.RunAsync(enough.Token);
        await Eventually.BeAsync(() => load.Requests > 50, "the load is steady");

        var watch = Stopwatch.StartNew();
        List<(TimeSpan Drain, int Finished)> drains = [];
        for (var replica = 0; replica < 3; replica++)
        {
            drains.Add(await RestartAsync(replica, balancer));
        }

        var restarted = watch.Elapsed;
        await enough.CancelAsync();
        await asking;

        var calls = _huggingFace.Received.Count(request => request.Method == "POST");
        Figures.Add("rolling restart", $"3 replicas in {restarted.TotalSeconds:0} s behind HAProxy: {load.Requests} requests, {load.Lost.Count} lost; longest {load.Longest.TotalSeconds:0.0} s");
        Figures.Add("rolling restart", $"{load.Generations} pictures, {calls} upstream calls, {load.Units} units; {drains.Sum(drain => drain.Finished)} generations finished by a replica that was stopping; {Balanced(balancer).Count(request => request.Retries > 0)} requests came too late and went to another");
        Figures.Add("rolling restart", $"from SIGTERM to the end: {string.Join(", ", drains.Select(drain => $"{drain.Drain.TotalSeconds:0.0} s"))}");
        load.Lost.ShouldBeEmpty();
        (calls, load.Units).ShouldBe((load.Generations, load.Generations));
        // What the callers' side of the balancer saw, too: a client may try again by itself.
        await Eventually.BeAsync(() => Balanced(balancer).Count >= load.Requests, "HAProxy has logged all requests");
        Balanced(balancer).Count.ShouldBe(load.Requests);
        Balanced(balancer).ShouldAllBe(request => request.Status == 200 && request.End == "----");
        // It was told, rather than found out; and those that were told to stop had work left.
        balancer.Lines.ShouldContain(line => line.StartsWith("Server gateways/gateway-", StringComparison.Ordinal) && line.Contains("is DOWN, reason: Layer7 wrong status, code: 503"));
        drains.Sum(drain => drain.Finished).ShouldBeGreaterThan(0);
    }

    private static List<BalancedRequest> Balanced(HaProxy balancer) => [.. balancer.Requests];

    private async Task ServeAsync(int replica) => _replicas[replica] = await GatewayProcess.ServeAsync(
        _huggingFace.Address,
        new() { ["REDIS_URL"] = _redis.Url, ["GATEWAY_SETTINGS"] = TestGateway.UnlimitedSettings, ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{_ports[replica]}" },
        [$"--{Replica.Patience}"]);

    /// <returns>How long it took to end, and how many generations it had still to finish.</returns>
    private async Task<(TimeSpan Drain, int Finished)> RestartAsync(int replica, HaProxy balancer)
    {
        var (stopping, watch) = (_replicas[replica]!, Stopwatch.StartNew());
        stopping.Terminate();
        (await stopping.ExitCodeAsync()).ShouldBe(0);
        var drain = watch.Elapsed;
        var running = stopping.Lines().Select(line => line.TryGetProperty("Running", out var count) ? count.GetInt32() : 0).Max();
        await stopping.DisposeAsync();

        await ServeAsync(replica);
        await Eventually.BeAsync(() => balancer.TimesUp(replica) == 1, "HAProxy sees it again");
        return (drain, running);
    }
}
