using System.Collections.Concurrent;
using System.Globalization;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Redis;

/// <summary>Whatever Redis does, no client notices more than a moment. Real processes under a steady load; figures are printed, and only what must never happen fails.</summary>
[Collection(Alone.Name)]
public sealed class RedisFaultTests : IAsyncLifetime
{
    private const int Workers = 4;

    /// <summary>How long a fault lasts: thirty seconds with <c>test.sh --long</c>.</summary>
    private static readonly TimeSpan FaultTime = TimeSpan.FromSeconds(LongRun.IsOn ? 30 : 1.6);

    private readonly ConcurrentQueue<(TimeSpan At, TimeSpan Took, string? Failure)> _asked = [];
    private readonly CancellationTokenSource _done = new();
    private readonly long _began = TimeProvider.System.GetTimestamp();
    private int _image;

    private RedisServer _redis = null!;
    private FaultProxy _wire = null!;
    private HuggingFaceSimulator _huggingFace = null!;
    private GatewayProcess _gateway = null!;

    private static readonly string[] Always = ["frozen"];

    /// <summary>In a short run the tests of the connection, the stores and the images meet these.</summary>
    private static readonly string[] AtLength = ["killed and restarted", "full", "silent wire", "replies cut", "slow, 200 ms", "wrong password", "scripts forgotten", "flushed"];

    public static TheoryData<string> Faults => LongRun.IsOn ? [.. Always, .. AtLength] : [.. Always];

    private TimeSpan Now => TimeProvider.System.GetElapsedTime(_began);

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        _wire = new FaultProxy(_redis.Port);
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await GatewayProcess.ServeAsync(_huggingFace.Address, new()
        {
            ["REDIS_URL"] = $"redis://127.0.0.1:{_wire.Port}",
            ["Tiers__internal__RequestsPerMinute"] = "1000000",
            ["Tiers__internal__Burst"] = "1000000",
        });
        await Eventually.BeAsync(IsReadyAsync, "it is connected");
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
        await _wire.DisposeAsync();
        await _redis.DisposeAsync();
        _done.Dispose();
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Nobody_fails_while_redis_is(string fault)
    {
        var load = Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => Task.Run(AskAsync)));
        await PassAsync(TimeSpan.FromSeconds(1));
        var from = Now;
        await BeginAsync(fault);
        await PassAsync(FaultTime);
        await EndAsync(fault);
        var to = Now;
        await Eventually.BeAsync(IsReadyAsync, "it is back");
        var back = Now - to;
        await PassAsync(TimeSpan.FromSeconds(1));
        await _done.CancelAsync();
        await load;

        var failures = _asked.Where(asked => asked.Failure is not null).Select(asked => asked.Failure).ToList();
        var before = Percentile(asked => asked.At >= from - TimeSpan.FromSeconds(0.6) && asked.At + asked.Took < from);
        var first = _asked.Where(asked => asked.At + asked.Took >= from && asked.At < from + TimeSpan.FromSeconds(1.5)).Max(asked => asked.Took);
        var later = Percentile(asked => asked.At >= from + TimeSpan.FromSeconds(1.5) && asked.At < to);
        Figures.Add("redis", string.Create(
            CultureInfo.InvariantCulture,
            $"{fault}: {_asked.Count} hits, {failures.Count} failed; p99 before {before:0.0} ms, slowest at first {first.TotalMilliseconds:0} ms, p99 then {later:0.0} ms; ready {back.TotalSeconds:0.0} s after it returned"));
        failures.ShouldBeEmpty();
        _asked.Count.ShouldBeGreaterThan(100);
    }

    private async Task BeginAsync(string fault)
    {
        switch (fault)
        {
            case "killed and restarted":
                _redis.Kill();
                break;
            case "frozen":
                _redis.Freeze();
                break;
            case "silent wire":
                _wire.IsSilent = true;
                break;
            case "slow, 200 ms":
                _wire.Delay = TimeSpan.FromMilliseconds(200);
                break;
            case "full":
                await _redis.TellAsync("CONFIG", "SET", "maxmemory", "1");
                break;
            case "wrong password":
                await _redis.TellAsync("CONFIG", "SET", "requirepass", "changed");
                _wire.CutAll();
                break;
            case "scripts forgotten":
                for (var i = 0; i < 20; i++)
                {
                    await _redis.TellAsync("SCRIPT", "FLUSH");
                    await PassAsync(FaultTime / 40);
                }

                break;
            case "flushed":
                await _redis.TellAsync("FLUSHALL");
                break;
            case "replies cut":
                for (var i = 0; i < 10; i++)
                {
                    _wire.CutNextAnswerAfter(i);
                    await PassAsync(FaultTime / 40);
                    _wire.CutAll();
                }

                break;
        }
    }

    private async Task EndAsync(string fault)
    {
        switch (fault)
        {
            case "killed and restarted":
                _redis.Start();
                break;
            case "frozen":
                _redis.Thaw();
                break;
            case "full":
                await _redis.TellAsync("CONFIG", "SET", "maxmemory", "0");
                break;
            case "wrong password":
                await _redis.TellAsync("changed", ["CONFIG", "SET", "requirepass", ""]);
                break;
        }

        _wire.IsSilent = false;
        _wire.Delay = TimeSpan.Zero;
    }

    /// <summary>Mostly an image that is kept; now and then one that has to be made.</summary>
    private async Task AskAsync()
    {
        for (var i = 1; !_done.IsCancellationRequested; i++)
        {
            var isNew = i % 20 == 0;
            var at = Now;
            var failure = await _gateway.AskAsync(isNew ? $$"""{"inputs":"heron {{Interlocked.Increment(ref _image)}}"}""" : FlightBench.Body);
            if (!isNew || failure is not null)
            {
                _asked.Enqueue((at, Now - at, failure));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
    }

    private double Percentile(Func<(TimeSpan At, TimeSpan Took, string? Failure), bool> isIn)
    {
        var took = _asked.Where(isIn).Select(asked => asked.Took.TotalMilliseconds).Order().ToList();
        return took.Count == 0 ? 0 : took[(int)(took.Count * 0.99)];
    }

    private async Task<bool> IsReadyAsync() => await _gateway.Client.GetStringAsync("/health/ready") == """{"status":"ready"}""";

    private static Task PassAsync(TimeSpan span) => Task.Delay(span, TimeProvider.System, TestContext.Current.CancellationToken);
}
