using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Settings;

/// <summary>Settings, routes included, change ten times a second under full load: nobody loses a request.</summary>
[Collection(Alone.Name)]
public sealed partial class SettingsStormTests : IAsyncLifetime
{
    private const int InFlight = 60;
    private const string OperatorKey = "operator-key-0123456789abcdef";

    /// <summary>A minute with <c>test.sh --long</c>.</summary>
    private static readonly TimeSpan Storm = TimeSpan.FromSeconds(LongRun.IsOn ? 60 : 5);

    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("lumiku-storm-").FullName, "appsettings.json");
    private readonly string _good = File.ReadAllText(TestGateway.UnlimitedSettings);
    private readonly ConcurrentQueue<string> _lost = [];
    private readonly CancellationTokenSource _done = new();
    private readonly ManualTime _upstreamTime = new();

    private HuggingFaceSimulator _huggingFace = null!;
    private GatewayProcess _gateway = null!;
    private int _asked;
    private int _made;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_path, _good);
        _huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = _upstreamTime });
        _gateway = await GatewayProcess.ServeAsync(_huggingFace.Address, new()
        {
            ["GATEWAY_SETTINGS"] = _path,
            ["OPERATOR_KEY"] = OperatorKey,
            ["Serilog__MinimumLevel__Override__Lumiku.Gateway.Telemetry.RequestLog"] = "Error",
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _huggingFace.DisposeAsync();
        await _gateway.DisposeAsync();
        _done.Dispose();
        Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);
    }

    [Fact]
    public async Task No_request_is_lost_while_settings_and_routes_change_ten_times_a_second()
    {
        (await _gateway.AskAsync(FlightBench.Body)).ShouldBeNull();
        _huggingFace.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var generations = Enumerable.Range(0, InFlight).Select(i => Task.Run(() => GenerateAsync(i))).ToArray();
        await Eventually.BeAsync(() => _upstreamTime.Waiting == InFlight, "all generations are in flight");
        var hits = Enumerable.Range(0, 6).Select(_ => Task.Run(HitAsync)).ToArray();

        var began = TimeProvider.System.GetTimestamp();
        var written = 0;
        using (var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100)))
        {
            while (TimeProvider.System.GetElapsedTime(began) < Storm)
            {
                await WriteAsync(++written);
                await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
                if (written % 10 == 0)
                {
                    // The generations that are in flight end, and others begin.
                    _upstreamTime.Advance(TimeSpan.FromSeconds(1));
                }
            }
        }

        await _done.CancelAsync();
        await Task.WhenAll(hits);
        while (!Task.WhenAll(generations).IsCompleted)
        {
            _upstreamTime.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        await Eventually.BeAsync(async () => await NumberAsync() is var number && number == await NumberAsync(), "it has come to rest");
        var applied = await NumberAsync() - 1;
        Figures.Add("settings", string.Create(
            CultureInfo.InvariantCulture,
            $"{written} files in {Storm.TotalSeconds:0} s under load: {applied} applied, {_asked} requests and {_made} generations ({InFlight} in flight): {_lost.Count} lost"));
        _lost.ShouldBeEmpty();
        applied.ShouldBeGreaterThan(written / 10, "a slow machine takes several at once");
    }

    /// <summary>Another limit, another transform of the route, and a route more.</summary>
    private async Task WriteAsync(int number)
    {
        var text = _good
            .Replace("\"AbandonedPerUser\": 8", $"\"AbandonedPerUser\": {100 + number}", StringComparison.Ordinal)
            .Replace("{ \"ImageAccept\": \"image/png\" }", $"{{ \"ImageAccept\": \"image/png\" }}, {{ \"RequestHeader\": \"x-storm\", \"Set\": \"{number}\" }}", StringComparison.Ordinal)
            .Replace("\"Routes\": {", $"\"Routes\": {{ \"storm-{number}\": {{ \"ClusterId\": \"huggingface\", \"Match\": {{ \"Path\": \"/models/storm/{number}\" }} }},", StringComparison.Ordinal);
        await File.WriteAllTextAsync($"{_path}.next", text);
        File.Move($"{_path}.next", _path, overwrite: true);
    }

    private async Task HitAsync()
    {
        while (!_done.IsCancellationRequested)
        {
            Count(await _gateway.AskAsync(FlightBench.Body));
        }
    }

    private async Task GenerateAsync(int place)
    {
        for (var i = 0; !_done.IsCancellationRequested; i++)
        {
            Count(await _gateway.AskAsync($$"""{"inputs":"picture {{i}} at place {{place}}"}"""));
            Interlocked.Increment(ref _made);
        }
    }

    private void Count(string? problem)
    {
        Interlocked.Increment(ref _asked);
        if (problem is not null)
        {
            _lost.Enqueue(problem);
        }
    }

    private async Task<int> NumberAsync()
    {
        await Task.Delay(TimeSpan.FromMilliseconds(400), TimeProvider.System, TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("Authorization", $"Bearer {OperatorKey}");
        var text = await (await _gateway.Client.SendAsync(request)).Content.ReadAsStringAsync();
        return int.Parse(Number().Match(text).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("lumiku_settings_number\\{[^}]*\\} ([0-9]+)")]
    private static partial Regex Number();
}
