using System.Collections.Concurrent;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>With OpenTelemetry's own variables, metrics, traces and logs go to a collector; one that is not there hurts nobody.</summary>
public sealed class OtlpTests : IAsyncLifetime
{
    private const string Canary = "canary-prompt-of-a-heron";

    /// <summary>By path: what was posted there, as text, which protobuf leaves names and values in.</summary>
    private readonly ConcurrentDictionary<string, string> _received = [];

    private WebApplication _collector = null!;
    private HuggingFaceSimulator _huggingFace = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        _collector = builder.Build();
        _collector.Urls.Add("http://127.0.0.1:0");
        _collector.MapPost("/v1/{signal}", async (string signal, HttpContext context) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var text = Encoding.Latin1.GetString(body.ToArray());
            _received.AddOrUpdate(signal, text, (_, before) => before + text);
        });
        await _collector.StartAsync();
        _huggingFace = await HuggingFaceSimulator.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _huggingFace.DisposeAsync();
        await _collector.DisposeAsync();
    }

    [Fact]
    public async Task All_three_signals_reach_a_collector_and_no_prompt_or_key_does()
    {
        await using var gateway = await ServeAsync(_collector.Urls.Single());
        (await gateway.AskAsync($$"""{"inputs":"{{Canary}}"}""")).ShouldBeNull();

        await Eventually.BeAsync(() => Has("traces", "generation") && Has("traces", "attempt") && Has("traces", "POST /models/{**model}"), "spans arrived");
        await Eventually.BeAsync(() => Has("metrics", "lumiku.requests") && Has("metrics", "http.server.request.duration") && Has("metrics", "gen_ai.client.operation.duration"), "metrics arrived");
        await Eventually.BeAsync(() => Has("logs", "RequestedModel") && Has("logs", "Serving at"), "lines arrived");

        Array.ForEach(["traces", "metrics", "logs"], signal => Has(signal, "lumiku-gateway").ShouldBeTrue(signal));
        foreach (var text in _received.Values)
        {
            text.ShouldNotContain(Canary);
            text.ShouldNotContain(TestGateway.BackendKey);
            text.ShouldNotContain(TestGateway.UpstreamToken);
        }
    }

    [Fact]
    public async Task A_collector_that_is_not_there_hurts_nobody()
    {
        await using var gateway = await ServeAsync($"http://127.0.0.1:{RedisServer.FreePort()}");

        for (var i = 0; i < 20; i++)
        {
            (await gateway.AskAsync($$"""{"inputs":"{{Canary}}"}""")).ShouldBeNull();
        }
    }

    private Task<GatewayProcess> ServeAsync(string collector) => GatewayProcess.ServeAsync(_huggingFace.Address, new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
    });

    private bool Has(string signal, string text) => _received.GetValueOrDefault(signal)?.Contains(text, StringComparison.Ordinal) == true;
}
