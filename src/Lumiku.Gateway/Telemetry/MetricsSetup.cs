using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Lumiku.Gateway.Telemetry;

/// <summary><c>/metrics</c>, in Prometheus' text, for whoever holds the operator's key; metrics and traces by OTLP, where its variables say whereto.</summary>
internal static class MetricsSetup
{
    /// <summary>Tiers, models twice, outcomes and cache states make many series of few requests.</summary>
    private const int MostSeriesOfRequests = 10_000;

    public static IServiceCollection AddGatewayMetrics(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddSingleton<RecentActivity>();
        services.AddSingleton<GatewayMetrics>();
        var telemetry = services.AddOpenTelemetry();
        if (!Otlp.IsNamed)
        {
            telemetry.ConfigureResource(resource => resource.AddService(Otlp.ServiceName));
        }

        telemetry.WithMetrics(metrics => metrics
            .AddMeter(GatewayMetrics.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime")
            .AddView("lumiku.requests", new MetricStreamConfiguration { CardinalityLimit = MostSeriesOfRequests })
            .AddView("http.server.request.duration", new ExplicitBucketHistogramConfiguration { Boundaries = GatewayMetrics.DurationBuckets })
            .AddView("http.client.request.duration", new ExplicitBucketHistogramConfiguration { Boundaries = GatewayMetrics.DurationBuckets })
            .AddPrometheusExporter());
        if (Otlp.SendsMetrics)
        {
            telemetry.WithMetrics(metrics => metrics.AddOtlpExporter());
        }

        if (Otlp.SendsTraces)
        {
            telemetry.WithTracing(traces => traces.AddSource("Microsoft.AspNetCore", Spans.SourceName).AddOtlpExporter());
        }

        return services;
    }

    public static void MapMetrics(this IEndpointRouteBuilder routes)
    {
        Watch(routes.ServiceProvider);
        var scrape = routes.CreateApplicationBuilder().UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
        routes.Map("/metrics", OperatorAccess.ToLook(scrape)).DisableHttpMetrics();
    }

    private static void Watch(IServiceProvider services)
    {
        var metrics = services.GetRequiredService<GatewayMetrics>();
        metrics.WatchSettings(services.GetRequiredService<CurrentSettings>());
        var (cache, running, breakers) = (services.GetRequiredService<ImageCache>(), services.GetRequiredService<RunningGenerations>(), services.GetRequiredService<Breakers>());
        metrics.WatchCache(() => cache.Bytes, () => cache.Count, () => cache.Evictions);
        metrics.WatchGenerations(() => running.Count);
        metrics.WatchBreakers(() => breakers.All);
    }
}
