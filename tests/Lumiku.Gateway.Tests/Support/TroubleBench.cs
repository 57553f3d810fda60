using Lumiku.Gateway.Generation;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A gateway and a simulator, each on a clock of its own that stands still: waiting is exact, and no test waits.</summary>
public sealed class TroubleBench : IAsyncDisposable
{
    private int _seed;

    private TroubleBench(HuggingFaceSimulator huggingFace, TestGateway gateway, ManualTime time, ManualTime upstreamTime) =>
        (HuggingFace, Gateway, Time, UpstreamTime) = (huggingFace, gateway, time, upstreamTime);

    public HuggingFaceSimulator HuggingFace { get; }

    public TestGateway Gateway { get; }

    /// <summary>The gateway's clock.</summary>
    public ManualTime Time { get; }

    /// <summary>The simulator's: for how long it renders.</summary>
    public ManualTime UpstreamTime { get; }

    public static Task<TroubleBench> StartAsync(params string[] settings) => StartAsync(chance: 0.5, settings);

    /// <param name="chance">0.5: waits are as long as they are meant, but for Retry-After, which is a tenth longer.</param>
    public static async Task<TroubleBench> StartAsync(double chance, params string[] settings)
    {
        var (time, upstreamTime) = (new ManualTime(), new ManualTime());
        var huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = upstreamTime });
        var gateway = await TestGateway.StartWithAsync(
            huggingFace, services => services.AddSingleton<TimeProvider>(time).AddSingleton<Random>(new SteadyRandom(chance)), settings);
        return new TroubleBench(huggingFace, gateway, time, upstreamTime);
    }

    /// <summary>How often a model was asked.</summary>
    public int CallsOf(string model) => HuggingFace.Received.Count(request => request.Model == model);

    /// <summary>A generation like no other before.</summary>
    public Task<Answer> GenerateAsync(string model, string? tier = null, Action<HttpRequestMessage>? change = null) =>
        Gateway.GenerateAsync(model, BodyOf(Interlocked.Increment(ref _seed)), tier, change);

    public Task<Answer>[] GenerateMany(int count, string model) => [.. Enumerable.Range(0, count).Select(_ => GenerateAsync(model))];

    public Task ShouldBeAskedAsync(string model, int times) => Eventually.BeAsync(() => CallsOf(model) == times, $"{model} was asked {times} times; it was {CallsOf(model)}");

    /// <summary>Lets the simulator's clock go on once so many of its answers wait for it.</summary>
    public async Task PassUpstreamAsync(TimeSpan span, int answers)
    {
        await Eventually.BeAsync(() => UpstreamTime.Waiting >= answers, $"{answers} answers are about to be given; it was {UpstreamTime.Waiting}");
        UpstreamTime.Advance(span);
    }

    /// <summary>A model in trouble is waited for by so many. Each has a deadline, a caller's limit and a place in line; besides, the next look, the settings file and the limits' renewal and sweep have a time.</summary>
    public Task ShouldWaitAsync(int generations) => Eventually.BeAsync(() => Time.Waiting >= (3 * generations) + 4, $"{generations} generations wait; timers: {Time.Waiting}");

    /// <summary>One generation waits to connect again: its deadline, its caller's limit, the pause, the settings file's own look, and the limits' renewal and sweep.</summary>
    public Task ShouldPauseAsync() => Eventually.BeAsync(() => Time.Waiting >= 6, $"a generation pauses; timers: {Time.Waiting}");

    /// <summary>Goes to just before, sees that nothing was asked, and on.</summary>
    public async Task ShouldBeAskedAfterAsync(TimeSpan span, string model, int times)
    {
        Time.Advance(span - TimeSpan.FromMilliseconds(50));
        await ShouldStillBeAskedAsync(model, times - 1);
        Time.Advance(TimeSpan.FromMilliseconds(50));
        await ShouldBeAskedAsync(model, times);
    }

    /// <summary>Whatever would have been on its way has come by the time that another model's image is there.</summary>
    public async Task ShouldStillBeAskedAsync(string model, int times)
    {
        (await GenerateAsync(TestGateway.Xl)).ShouldBeAnImage();
        (await GenerateAsync(TestGateway.Xl)).ShouldBeAnImage();
        CallsOf(model).ShouldBe(times);
    }

    /// <summary>Lets both clocks run until that is done.</summary>
    public async Task<Answer> RunUntilAsync(Task<Answer> done) => (await RunUntilAsync([done]))[0];

    public async Task<Answer[]> RunUntilAsync(Task<Answer>[] done)
    {
        var all = Task.WhenAll(done);
        await Eventually.BeAsync(
            () =>
            {
                if (!all.IsCompleted)
                {
                    Time.Advance(TimeSpan.FromMilliseconds(500));
                    UpstreamTime.Advance(TimeSpan.FromMilliseconds(500));
                }

                return all.IsCompleted;
            },
            "all were answered");
        return await all;
    }

    /// <summary>Nothing is left of the trouble once its next look has found nobody.</summary>
    public Task ShouldForgetAsync()
    {
        var troubled = Gateway.Services.GetRequiredService<TroubledModels>();
        return Eventually.BeAsync(
            () =>
            {
                Time.Advance(TimeSpan.FromSeconds(1));
                return troubled.Count == 0;
            },
            "the trouble is forgotten");
    }

    public async ValueTask DisposeAsync()
    {
        await HuggingFace.DisposeAsync(); // First, so that nothing is waited for.
        await Gateway.DisposeAsync();
    }

    private static string BodyOf(int seed) => $$$"""{"inputs":"a heron","parameters":{"seed":{{{seed}}}}}""";
}
