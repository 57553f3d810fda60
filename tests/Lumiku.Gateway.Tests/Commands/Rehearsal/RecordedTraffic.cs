using System.Net.Http.Headers;
using Lumiku.Gateway.Commands.Rehearsal;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Lumiku.Gateway.Tests.Commands.Rehearsal;

/// <summary>The same traffic, whatever the settings: what a real gateway made of it is in its log. Its clock stands still unless the traffic moves it.</summary>
internal sealed class RecordedTraffic : ILogEventSink
{
    /// <summary>Upstream has it, the shipped catalog does not.</summary>
    public const string Unlisted = "stabilityai/stable-diffusion-2-1";

    private const string StudioKey = "studio-key-0123456789abcdef";

    private static readonly string[] Base =
    [
        "Tiers:free:RequestsPerMinute=6", "Tiers:free:Burst=4", "Tiers:free:ConcurrentRequests=1", "Tiers:free:UnitsPerDay=4", "Models:Unlisted=Deny",
        $"Callers:studio:Key={StudioKey}", "Callers:studio:Tier=basic", "Callers:studio:Limits:UnitsPerDay=2",
    ];

    private readonly CompactJson _format = new();
    private readonly List<string> _lines = [];
    private readonly ManualTime _time = new();
    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;
    private int _asked;

    /// <summary>In the order of the log, requests alone.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public GatewaySettings Settings { get; private set; } = null!;

    /// <param name="settings">Besides those that all runs have; they win.</param>
    public static async Task<RecordedTraffic> RunAsync(params string[] settings)
    {
        var traffic = new RecordedTraffic();
        await using var huggingFace = traffic._huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = traffic._gateway = await TestGateway.StartWithAsync(
            huggingFace,
            services => services.AddSingleton<TimeProvider>(traffic._time).AddSingleton<ILogger>(new LoggerConfiguration().WriteTo.Sink(traffic).CreateLogger()),
            [.. Base, .. settings]);
        traffic.Settings = gateway.Services.GetRequiredService<CurrentSettings>().Value;
        await traffic.PlayAsync();
        return traffic;
    }

    /// <summary>What these settings would have made of this traffic.</summary>
    /// <param name="skip">Lines that the log lacks at its beginning.</param>
    public Task<RehearsalReport> RehearseAsync(GatewaySettings settings, int skip = 0) =>
        RehearsalReport.OfAsync("log", LoggedRequests.Of(Lines.Skip(skip)), settings, knowsEveryCaller: false);

    void ILogEventSink.Emit(LogEvent logEvent)
    {
        if (logEvent.Properties.ContainsKey("Outcome"))
        {
            using var line = new StringWriter();
            _format.Format(logEvent, line);
            lock (_lines)
            {
                _lines.Add(line.ToString());
            }
        }
    }

    private async Task PlayAsync()
    {
        foreach (var picture in new[] { "a", "a", "b", "c", "d" })
        {
            await AskAsync("anna", "free", TestGateway.Sd3, picture);
        }

        _time.Advance(TimeSpan.FromMinutes(1));
        await AskAsync("anna", "free", TestGateway.Sd3, "e");
        await AskAsync("anna", "free", TestGateway.Sd3, "f");
        await AskAsync("carol", "free", TestGateway.Dev, "g");
        await AskAsync("carol", "free", TestGateway.Dev, "h");
        await AskAsync("carol", "free", TestGateway.Dev, body: "{");
        await AskAsync("dora", tier: null, TestGateway.Xl, "i");
        await AskAsync("gina", "free", TestGateway.Sd3, picture: null);
        await AskAsync("gina", "free", Unlisted, picture: null);

        await AskAsync("paul", "pro", TestGateway.Dev, "j");
        _huggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        await AskAsync("paul", "pro", TestGateway.Dev, "k");
        _huggingFace.BehaveWell();
        await AskAsync("paul", "pro", Unlisted, "l");
        _huggingFace.BehaveNext(Misbehaviour.Empty500);
        await AskAsync("paul", "pro", TestGateway.Sd3, "m");

        foreach (var picture in new[] { "n", "o", "p" })
        {
            await AskAsync(user: null, tier: null, TestGateway.Sd3, picture);
        }

        await AskTwiceAtOnceAsync();
        await LeaveAsync();
        await AskAsync("lea", "free", TestGateway.Xl, "t");

        _time.Advance(TimeSpan.FromHours(12)); // It was noon, in UTC.
        await AskAsync("anna", "free", TestGateway.Sd3, "u");
    }

    private async Task AskTwiceAtOnceAsync()
    {
        _huggingFace.Behave(TestGateway.Sd3, Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var asked = _huggingFace.Received.Count;
        var first = SendAsync("dave", "free", TestGateway.Sd3, "q");
        await Eventually.BeAsync(() => first.IsCompleted || _huggingFace.Received.Count > asked, "the first is under way or refused");
        _time.Advance(TimeSpan.FromSeconds(1));
        var second = SendAsync("dave", "free", TestGateway.Sd3, "r");
        await Eventually.BeAsync(() => second.IsCompleted || _huggingFace.Received.Count > asked + 1, "the second is under way or refused");
        _time.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll(first, second);
        _huggingFace.BehaveWell();
        await LinesAsync(2);
    }

    /// <summary>Somebody asks and hangs up; the image is made all the same.</summary>
    private async Task LeaveAsync()
    {
        _huggingFace.BehaveNext(Misbehaviour.Delay(TimeSpan.FromMilliseconds(300)));
        var asked = _huggingFace.Received.Count;
        using var leaving = new CancellationTokenSource();
        var asking = SendAsync("lea", "free", TestGateway.Xl, "s", leaving: leaving.Token);
        await Eventually.BeAsync(() => _huggingFace.Received.Count > asked, "it is under way");
        await leaving.CancelAsync();
        await asking.ContinueWith(_ => { }, TaskScheduler.Default);
        await LinesAsync(1);
    }

    private async Task AskAsync(string? user, string? tier, string model, string? picture = null, string? body = null)
    {
        await SendAsync(user, tier, model, picture, body: body);
        await LinesAsync(1);
    }

    /// <summary>At one and the same instant the log's order is all that tells who came first.</summary>
    private Task LinesAsync(int more)
    {
        _asked += more;
        return Eventually.BeAsync(() => Lines.Count == _asked, "the line is written");
    }

    /// <param name="user">With no tier either: the studio asks for itself.</param>
    /// <param name="picture">With no body either: a look at the model.</param>
    private async Task SendAsync(string? user, string? tier, string model, string? picture, string? body = null, CancellationToken leaving = default)
    {
        body ??= picture is null ? null : $$"""{"inputs":"{{picture}}"}""";
        using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, $"/models/{model}") { Content = body is null ? null : TestGateway.Json(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", user is null ? StudioKey : TestGateway.BackendKey);
        if (user is not null)
        {
            request.Headers.Add("X-Lumiku-User", user);
        }

        if (tier is not null)
        {
            request.Headers.Add("X-Lumiku-Tier", tier);
        }

        (await _gateway.Client.SendAsync(request, leaving)).Dispose();
    }
}
