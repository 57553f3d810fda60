using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A gateway and a simulator on standing clocks, and callers who share generations. Who waits is seen by the timers that waiting sets.</summary>
internal sealed class FlightBench : IAsyncDisposable
{
    public const string Body = """{"inputs":"a heron"}""";

    private FlightBench(HuggingFaceSimulator huggingFace, TestGateway gateway, ManualTime time, ManualTime upstreamTime) =>
        (HuggingFace, Gateway, Time, UpstreamTime) = (huggingFace, gateway, time, upstreamTime);

    public HuggingFaceSimulator HuggingFace { get; }

    public TestGateway Gateway { get; }

    /// <summary>The gateway's clock.</summary>
    public ManualTime Time { get; }

    /// <summary>The simulator's: for how long it renders.</summary>
    public ManualTime UpstreamTime { get; }

    public int Calls => HuggingFace.Received.Count;

    public long Taken => Gateway.Services.GetRequiredService<BodyRoom>().Taken;

    public int FlightCount => Gateway.Services.GetRequiredService<Flights>().Count;

    public static Task<FlightBench> StartAsync(params string[] settings) => StartAsync(ledger: null, settings);

    public static async Task<FlightBench> StartAsync(IUnitLedger? ledger, params string[] settings)
    {
        var (time, upstreamTime) = (new ManualTime(), new ManualTime());
        var huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = upstreamTime });
        var gateway = await TestGateway.StartWithAsync(
            huggingFace,
            services =>
            {
                services.AddSingleton<TimeProvider>(time);
                if (ledger is not null)
                {
                    services.AddSingleton(ledger);
                }
            },
            settings);
        return new FlightBench(huggingFace, gateway, time, upstreamTime);
    }

    /// <summary>Asks as the backend does; for a user of the PRO tier, or of another, where one is named.</summary>
    public async Task<Answer> AskAsync(
        string body = Body, string model = TestGateway.Dev, string? user = null, string? cacheControl = null, string tier = "PRO", CancellationToken leaving = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        if (user is not null)
        {
            request.Headers.Add("X-Lumiku-Tier", tier);
            request.Headers.Add("X-Lumiku-User", user);
        }

        if (cacheControl is not null)
        {
            request.Headers.Add("Cache-Control", cacheControl);
        }

        return await Answer.ReadAsync(await Gateway.Client.SendAsync(request, leaving));
    }

    public Task<Answer>[] AskMany(int count, string model = TestGateway.Dev) => [.. Enumerable.Range(0, count).Select(_ => AskAsync(model: model))];

    /// <summary>A seat of nobody in the flight that an equal request finds.</summary>
    public Seat SeatAt(string body, string model)
    {
        var nobody = new Identity("test", User: null, Gateway.Services.GetRequiredService<CurrentSettings>().Value.Tiers.Default, UsageLimits.None);
        return Gateway.Services.GetRequiredService<Flights>().Board(
            new CacheTerms(KeyOf(body, model), nobody, "image/png", Reads: true, IsPrivate: false, IsReusable: true));
    }

    /// <summary>The key of the image that such a request asks for.</summary>
    public static CacheKey KeyOf(string body, string model)
    {
        var known = new Model(model, new ModelOptions());
        return CacheKey.Of(new UpstreamRequest(new ModelChoice(known, known), ModelPath.For(model, null), "application/json", Encoding.UTF8.GetBytes(body)), "image/png", owner: null);
    }

    /// <summary>So many pictures wait for the simulator's clock.</summary>
    public Task ShouldRenderAsync(int pictures) =>
        Eventually.BeAsync(() => UpstreamTime.Waiting == pictures, $"{pictures} pictures are being made; it was {UpstreamTime.Waiting}, of {Calls} asked for");

    /// <summary>A caller who waits has a limit and a generation under way a deadline; the settings file's next look, the limits' renewal and their sweep have a time.</summary>
    public Task ShouldWaitAsync(int callers, int generations = 1) =>
        Eventually.BeAsync(() => Time.Waiting == callers + generations + 3, $"{callers} callers wait for {generations} generations");

    /// <summary>Nobody and nothing is left behind.</summary>
    public Task ShouldEndEmptyAsync()
    {
        var running = Gateway.Services.GetRequiredService<RunningGenerations>();
        return Eventually.BeAsync(() => FlightCount == 0 && running.Count == 0 && Taken == 0, "no flight, no generation and no body is left");
    }

    public static void ShouldBeBy(Answer answer, string cache, int units)
    {
        answer.ShouldBeAnImage();
        answer.Header("X-Cache").ShouldBe(cache);
        answer.Header("X-Lumiku-Units").ShouldBe($"{units}");
    }

    public async ValueTask DisposeAsync()
    {
        await HuggingFace.DisposeAsync(); // First, so that nothing is waited for.
        await Gateway.DisposeAsync();
    }
}
