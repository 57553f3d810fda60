using BenchmarkDotNet.Attributes;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Lumiku.Gateway.Microbench;

/// <summary>What counting a request costs it, with a reader that collects all of it: a hit, and one that was refused.</summary>
[MemoryDiagnoser]
public class RequestMetrics : IDisposable
{
    private readonly RequestRecord _hit = new();
    private readonly RequestRecord _refused = new() { ErrorType = "rate-limited", ViolatedPolicies = ["requests"] };
    private ServiceProvider _services = null!;
    private GatewayMetrics _metrics = null!;
    private GatewaySettings _settings = null!;

    [GlobalSetup]
    public void SetUp()
    {
        var configuration = new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"))
            .AddInMemoryCollection([new("Credentials:huggingface", "hf_none"), new("Callers:backend:Key", "key-for-the-benchmark-only")]).Build();
        _settings = GatewaySettings.Read(configuration, out _);
        _services = new ServiceCollection().AddLogging().AddSingleton(TimeProvider.System).AddGatewayMetrics().BuildServiceProvider();
        _services.GetRequiredService<MeterProvider>();
        _metrics = _services.GetRequiredService<GatewayMetrics>();
        foreach (var record in new[] { _hit, _refused })
        {
            record.Facts["Tier"] = "pro";
            record.Facts["RequestedModel"] = record.Facts["ServedModel"] = "black-forest-labs/FLUX.1-dev";
        }

        _hit.Facts["Cache"] = "HIT";
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _services.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public void Hit() => _metrics.RequestEnded(_hit, _settings, "ok");

    [Benchmark]
    public void Refused() => _metrics.RequestEnded(_refused, _settings, "rate-limited");
}
