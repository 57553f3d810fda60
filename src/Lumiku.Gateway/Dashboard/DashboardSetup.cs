using Lumiku.Gateway.Dashboard.Pages;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ReverseProxy;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry.Explanations;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.SignalR;
using Radzen;

namespace Lumiku.Gateway.Dashboard;

/// <summary>The operators' page: Blazor, below <c>/ops</c> and nowhere else.</summary>
internal static class DashboardSetup
{
    /// <summary>What a page may say at once: a click, a filter; never a file.</summary>
    private const int MostMessageBytes = 32 * 1024;

    public static IServiceCollection AddDashboard(this IServiceCollection services, GatewaySettings settings)
    {
        services.AddSingleton<OpenPages>().AddSingleton<SampleReader>().AddSingleton<Sampler>().AddSingleton<DigestReader>().AddSingleton<StoryDigest>().AddSingleton<SettingsView>().AddScoped<OperatorZone>();
        if (settings.RedisState is not null)
        {
            services.AddSingleton(provider => new ReplicaExchange<ReplicaSample>(
                provider.GetRequiredService<RedisState>().Connection, settings.Redis.KeyPrefix,
                new("samples", provider.GetRequiredService<StoryWriter>().Replica, Sampler.TellingPace, provider.GetRequiredService<SampleReader>().Read, SampleJson.Serialize, SampleJson.Parse),
                provider.GetRequiredService<TimeProvider>()));
        }

        if (settings.RedisImages is not null)
        {
            // Where large things go.
            services.AddSingleton(provider => new ReplicaExchange<Digest>(
                provider.GetRequiredService<RedisImages>().Connection, settings.Redis.KeyPrefix,
                new("requests", provider.GetRequiredService<StoryWriter>().Replica, StoryDigest.TellingPace, provider.GetRequiredService<DigestReader>().Read, DigestJson.Serialize, DigestJson.Parse),
                provider.GetRequiredService<TimeProvider>()));
        }

        services.AddRazorComponents().AddInteractiveServerComponents(Bound).AddHubOptions(Bound);
        services.AddAntiforgery(forms => forms.Cookie.Name = "lumiku-ops-form");
        services.AddRadzenComponents();

        // Blazor and YARP's session affinity bring Data Protection, whose own keys would be one replica's, and on a disk.
        services.AddSingleton<IDataProtectionProvider>(provider => new DashboardProtection(provider.GetRequiredService<CurrentSettings>()));
        foreach (var keysOnDisk in services.Where(service => service.ImplementationType?.Name == "DataProtectionHostedService").ToList())
        {
            services.Remove(keysOnDisk);
        }

        return services;
    }

    /// <summary>A world of its own: its endpoints are matched here alone, so that nothing of Blazor is at the root.</summary>
    public static void UseDashboard(this IApplicationBuilder app)
    {
        // From the start: since when it runs, and so that it hears when another replica's page asks.
        app.ApplicationServices.GetRequiredService<SampleReader>();
        app.ApplicationServices.GetService<ReplicaExchange<ReplicaSample>>();
        app.ApplicationServices.GetService<ReplicaExchange<Digest>>();
        app.MapWhen(IsOfPage, dashboard =>
        {
            dashboard.UseMiddleware<DashboardAccess>();
            dashboard.UseMiddleware<DashboardAssets>();
            dashboard.UseMiddleware<DashboardImages>();
            dashboard.UsePathBase(DashboardAccess.Root);
            dashboard.UseRouting();
            dashboard.UseAntiforgery();
            dashboard.UseEndpoints(pages => pages.MapRazorComponents<App>().AddInteractiveServerRenderMode(mode =>
            {
                // The page's own policy says more of who may frame it.
                mode.ContentSecurityFrameAncestorsPolicy = null;
                // It would cost callers more time than it saves an operator bytes.
                mode.DisableWebSocketCompression = true;
            }));
        });
    }

    /// <summary>What is below <c>/ops</c>, but for the endpoints there that programs ask. A route of YARP's that takes everything does not take these.</summary>
    private static bool IsOfPage(HttpContext context)
    {
        if (!DashboardAccess.IsBelow(context.Request) || (context.GetEndpoint() is not null && !context.IsProxied()))
        {
            return false;
        }

        context.SetEndpoint(null);
        return true;
    }

    /// <summary>A page whose connection is gone loads anew, wherever that leads: nothing is kept for it.</summary>
    private static void Bound(CircuitOptions circuits)
    {
        circuits.DisconnectedCircuitMaxRetained = 0;
        circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromSeconds(1);
        circuits.PersistedCircuitInMemoryMaxRetained = 0;
        circuits.MaxBufferedUnacknowledgedRenderBatches = 4;
        circuits.JSInteropDefaultCallTimeout = TimeSpan.FromSeconds(10);
    }

    private static void Bound(HubOptions hub)
    {
        hub.MaximumReceiveMessageSize = MostMessageBytes;
        hub.MaximumParallelInvocationsPerClient = 1;
        hub.StreamBufferCapacity = 1;
        hub.HandshakeTimeout = TimeSpan.FromSeconds(5);
    }
}
