using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>A run with every outcome: what was done is found in <c>/metrics</c> and in the log, all of it and nothing else.</summary>
[Collection(Alone.Name)]
public sealed partial class ScriptedRunTests : IAsyncLifetime
{
    private const string OperatorKey = "operator-key-0123456789abcdef";
    private const string Unlisted = "somebody/some-model";

    /// <summary>Requests by the labels that they count under.</summary>
    private readonly Dictionary<string, double> _expected = [];

    private int _picture;
    private HuggingFaceSimulator _huggingFace = null!;
    private GatewayProcess _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await GatewayProcess.ServeAsync(_huggingFace.Address, new()
        {
            ["OPERATOR_KEY"] = OperatorKey,
            ["GATEWAY_SETTINGS"] = TestGateway.UnlimitedSettings,
            ["Tiers__basic__RequestsPerMinute"] = "1",
            ["Tiers__payg__UnitsPerDay"] = "0",
            ["Generation__WaitLimit"] = "00:00:02",
            ["Generation__FailureMemory"] = "00:00:00",
            ["Cost__PerUnit"] = "0.01",
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
    }

    [Fact]
    public async Task What_happened_is_what_metrics_and_log_say()
    {
        await RunAsync();

        var metrics = Exposition.Parse(await MetricsAsync());
        metrics.Series("lumiku_requests_total").ShouldBe(_expected, ignoreOrder: true);
        await Eventually.BeAsync(() => Logged().Values.Sum() == _expected.Values.Sum(), "all lines are written");
        Logged().ShouldBe(_expected, ignoreOrder: true);

        metrics.Series("lumiku_limits_refusals_total").ShouldBe(new Dictionary<string, double> { ["lumiku_limit=\"requests\",lumiku_tier=\"basic\""] = 1, ["lumiku_limit=\"day\",lumiku_tier=\"payg\""] = 1 }, ignoreOrder: true);
        metrics.Sum("lumiku_units_total", "charged").ShouldBe(4, "four images were made and paid for");
        metrics.Sum("lumiku_units_total", "reserved").ShouldBe(metrics.Sum("lumiku_units_total", "charged") + metrics.Sum("lumiku_units_total", "refunded") + 2, "two stall");
        metrics.Sum("lumiku_image_size_bytes_count").ShouldBe(4);
        metrics.Sum("gen_ai_client_operation_duration_seconds_count", "error_type=\"none\"").ShouldBe(4);
        metrics.Sum("gen_ai_client_operation_duration_seconds_count", "error_type=\"Gone\"").ShouldBe(2);
        metrics.Sum("gen_ai_client_operation_duration_seconds_count").ShouldBe(_huggingFace.Received.Count(received => received.Method == "POST") - 2, "two stall");
        metrics.Sum("lumiku_generation_duration_seconds_count", "lumiku_outcome=\"ok\"").ShouldBe(4);
        metrics.Sum("lumiku_upstream_account_problems_total").ShouldBe(1);
        metrics.Sum("lumiku_cache_entries").ShouldBe(3, "the one that was made for nobody else is kept nowhere");
        metrics.Sum("lumiku_generation_running").ShouldBe(2, "those that stall, for whoever asks again");
        metrics.Sum("lumiku_generation_waiting").ShouldBe(0);
        metrics.Sum("http_server_request_duration_seconds_count").ShouldBeGreaterThanOrEqualTo(_expected.Values.Sum());
        metrics.Types["lumiku_generation_duration_seconds"].ShouldBe("histogram");
        metrics.Samples.Keys.ShouldContain(key => key.StartsWith("lumiku_generation_duration_seconds_bucket", StringComparison.Ordinal) && key.Contains("le=\"300\"", StringComparison.Ordinal));
        metrics.Samples.Keys.ShouldContain(key => key.StartsWith("http_server_request_duration_seconds_bucket", StringComparison.Ordinal) && key.Contains("le=\"300\"", StringComparison.Ordinal));
        metrics.Samples.Keys.ShouldContain(key => key.StartsWith("dotnet_", StringComparison.Ordinal));
        metrics.Samples.Keys.ShouldContain(key => key.StartsWith("http_client_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Models_users_and_ids_that_callers_make_up_are_no_series()
    {
        var count = LongRun.IsOn ? 100_000 : 2_000;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => AskStrangeAsync($"made-up-{i}/warm", i)));
        var before = Exposition.Parse(await MetricsAsync()).Samples.Count;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = worker; i < count; i += 8)
            {
                await AskStrangeAsync($"made-up-{i}/model-{i}", i);
            }
        })));

        var metrics = Exposition.Parse(await MetricsAsync());
        Figures.Add("telemetry", $"{count} made-up models, users and ids: {before} series before, {metrics.Samples.Count} after");
        metrics.Samples.Count.ShouldBeInRange(before - 5, before + 10, "counts of garbage collections and the like may begin");
        metrics.Samples.Keys.ShouldNotContain(key => key.Contains("made-up", StringComparison.Ordinal));
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task A_scrape_of_a_busy_gateway_is_quick()
    {
        using var done = new CancellationTokenSource();
        await AskAsync(TestGateway.Sd3, Picture(), tier: "pro");
        var body = $$"""{"inputs":"picture {{_picture}}"}""";
        var load = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                await AskAsync(TestGateway.Sd3, body, tier: "pro");
            }
        })).ToArray();

        var took = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            await PassAsync();
            var began = TimeProvider.System.GetTimestamp();
            await ScrapeAsync();
            took.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
        }

        await done.CancelAsync();
        await Task.WhenAll(load);
        took.Sort();
        Figures.Add("telemetry", string.Create(CultureInfo.InvariantCulture, $"scrape under load: median {took[10]:0.0} ms, slowest of 20 {took[^1]:0.0} ms (goal 50)"));
    }

    private async Task RunAsync()
    {
        var picture = Picture();
        await ShouldAsync(await AskAsync(TestGateway.Sd3, picture, tier: "pro"), 200, "pro", TestGateway.Sd3, TestGateway.Sd3, "ok", "miss");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, picture, tier: "free"), 200, "free", TestGateway.Sd3, TestGateway.Sd3, "ok", "hit");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, picture, tier: "free", cacheControl: "no-store"), 200, "free", TestGateway.Sd3, TestGateway.Sd3, "ok", "bypass");
        await ShouldAsync(await AskAsync(TestGateway.Dev, Picture(), tier: "free"), 200, "free", TestGateway.Dev, TestGateway.Schnell, "ok", "miss");
        await ShouldAsync(await AskAsync(Unlisted, Picture(), tier: "pro"), 404, "pro", "other", "other", "model-not-offered", "none");

        _huggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        await ShouldAsync(await AskAsync(TestGateway.Dev, Picture(), tier: "pro"), 200, "pro", TestGateway.Dev, TestGateway.Schnell, "ok", "miss");
        _huggingFace.BehaveWell();

        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "basic", misbehaviour: Misbehaviour.Empty500), 502, "basic", TestGateway.Sd3, TestGateway.Sd3, "upstream-failed", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "basic"), 429, "basic", TestGateway.Sd3, TestGateway.Sd3, "rate-limited", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "payg"), 429, "payg", TestGateway.Sd3, TestGateway.Sd3, "quota-exceeded", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "pro", misbehaviour: Misbehaviour.CreditsDepleted), 502, "pro", TestGateway.Sd3, TestGateway.Sd3, "upstream-account", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "pro", misbehaviour: Misbehaviour.UnexpectedKeyword("scheduler")), 422, "pro", TestGateway.Sd3, TestGateway.Sd3, "parameter-refused", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "pro", misbehaviour: Misbehaviour.JpegTruncated), 502, "pro", TestGateway.Sd3, TestGateway.Sd3, "not-an-image", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "pro", misbehaviour: Misbehaviour.StallBeforeHeaders), 504, "pro", TestGateway.Sd3, TestGateway.Sd3, "still-generating", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, "{", tier: "pro"), 400, "pro", "none", "none", "malformed-body", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "gold"), 422, "none", "none", "none", "unknown-tier", "none");
        await ShouldAsync(await AskAsync(TestGateway.Sd3, Picture(), tier: "pro", key: "nobody"), 401, "none", "none", "none", "unauthenticated", "none");
        using (var stray = await _gateway.Client.GetAsync("/nothing/here"))
        {
            await ShouldAsync(stray, 404, "none", "none", "none", "unknown-route", "none");
        }

        using (var wrong = await _gateway.Client.DeleteAsync($"/models/{TestGateway.Sd3}"))
        {
            await ShouldAsync(wrong, 405, "none", "none", "none", "method-not-allowed", "none");
        }

        await LeaveAsync();
    }

    /// <summary>Somebody asks, and hangs up while the picture is being made.</summary>
    private async Task LeaveAsync()
    {
        _huggingFace.BehaveNext(Misbehaviour.StallBeforeHeaders);
        var asked = _huggingFace.Received.Count;
        using (var leaver = new TcpClient())
        {
            await leaver.ConnectAsync(_gateway.Client.BaseAddress!.Host, _gateway.Client.BaseAddress.Port);
            var body = Picture();
            await leaver.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                $"POST /models/{TestGateway.Sd3} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\nX-Lumiku-User: leaver\r\nX-Lumiku-Tier: pro\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            await Eventually.BeAsync(() => _huggingFace.Received.Count > asked, "it is being made");
        }

        Expect("pro", TestGateway.Sd3, TestGateway.Sd3, "caller-gone", "none");
        await Eventually.BeAsync(async () => (await MetricsAsync()).Contains("caller-gone", StringComparison.Ordinal), "its leaving is seen");
    }

    private string Picture() => $$"""{"inputs":"picture {{Interlocked.Increment(ref _picture)}}"}""";

    private void Expect(string tier, string requested, string served, string outcome, string cache)
    {
        var labels = $"gen_ai_original_model=\"{requested}\",gen_ai_request_model=\"{served}\",lumiku_cache=\"{cache}\",lumiku_outcome=\"{outcome}\",lumiku_tier=\"{tier}\"";
        _expected[labels] = _expected.GetValueOrDefault(labels) + 1;
    }

    private async Task ShouldAsync(HttpResponseMessage answer, int status, string tier, string requested, string served, string outcome, string cache)
    {
        using (answer)
        {
            ((int)answer.StatusCode).ShouldBe(status, await answer.Content.ReadAsStringAsync());
        }

        Expect(tier, requested, served, outcome, cache);
    }

    private async Task AskStrangeAsync(string model, int number)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json("{") };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", $"user-{number}");
        request.Headers.Add("X-Request-Id", $"made-up-{number}");
        using var answer = await _gateway.Client.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    private async Task<HttpResponseMessage> AskAsync(string model, string body, string tier, string? cacheControl = null, string? key = null, Misbehaviour? misbehaviour = null)
    {
        if (misbehaviour is not null)
        {
            _huggingFace.BehaveNext(misbehaviour);
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json(body) };
        request.Headers.Add("Authorization", $"Bearer {key ?? TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", $"user-of-{tier}");
        request.Headers.Add("X-Lumiku-Tier", tier);
        if (cacheControl is not null)
        {
            request.Headers.Add("Cache-Control", cacheControl);
        }

        return await _gateway.Client.SendAsync(request);
    }

    private async Task<string> MetricsAsync()
    {
        await PassAsync();
        return await ScrapeAsync();
    }

    /// <summary>An answer is good for 300 ms.</summary>
    private static Task PassAsync() => Task.Delay(TimeSpan.FromMilliseconds(310), TimeProvider.System, TestContext.Current.CancellationToken);

    private async Task<string> ScrapeAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("Authorization", $"Bearer {OperatorKey}");
        using var answer = await _gateway.Client.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }

    /// <summary>The same labels, by the log's lines.</summary>
    private Dictionary<string, double> Logged()
    {
        Dictionary<string, double> logged = [];
        foreach (var line in _gateway.Lines().Where(line => line.TryGetProperty("Outcome", out _) && line.GetProperty("Path").GetString() != "/metrics"))
        {
            var outcome = Text(line, "Outcome")!.Replace(' ', '-');
            var labels = $"gen_ai_original_model=\"{Model(line, "RequestedModel")}\",gen_ai_request_model=\"{Model(line, "ServedModel")}\",lumiku_cache=\"{Text(line, "Cache")?.ToLowerInvariant() ?? "none"}\",lumiku_outcome=\"{outcome}\",lumiku_tier=\"{Text(line, "Tier") ?? "none"}\"";
            logged[labels] = logged.GetValueOrDefault(labels) + 1;
        }

        return logged;
    }

    private static string Model(JsonElement line, string field) => Text(line, field) is not { } model ? "none" : model == Unlisted ? "other" : model;

    private static string? Text(JsonElement line, string field) => line.TryGetProperty(field, out var value) ? value.GetString() : null;
}
