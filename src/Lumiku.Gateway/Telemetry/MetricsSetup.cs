using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Settings;
using OpenTelemetry.Metrics;

namespace Lumiku.Gateway.Telemetry;

/// <summary><c>/metrics</c>, in Prometheus' text, for whoever holds the operator's key.</summary>
internal static class MetricsSetup
{
    public static IServiceCollection AddGatewayMetrics(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddSingleton<GatewayMetrics>();
        services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(GatewayMetrics.MeterName).AddPrometheusExporter());
        return services;
    }

    public static void MapMetrics(this IEndpointRouteBuilder routes)
    {
        routes.ServiceProvider.GetRequiredService<GatewayMetrics>().WatchSettings(routes.ServiceProvider.GetRequiredService<CurrentSettings>());
        var scrape = routes.CreateApplicationBuilder().UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
        routes.Map("/metrics", OperatorAccess.ToLook(scrape)).DisableHttpMetrics();
    }
}
