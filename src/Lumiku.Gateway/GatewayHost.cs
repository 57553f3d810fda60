using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Dashboard;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ReverseProxy;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway;

/// <summary>Puts the gateway together: settings first, checked whole, before a port is opened.</summary>
internal static class GatewayHost
{
    /// <param name="args">Settings as <c>--Section:Key=value</c>.</param>
    /// <param name="replace">Replaces services, such as the clock; null in production.</param>
    /// <exception cref="SettingsException">The settings cannot be served with; nothing was started.</exception>
    public static async Task<WebApplication> CreateAsync(string[] args, Action<IServiceCollection>? replace = null)
    {
        // Not more lenient than RFC 9112 on line ends: what two parsers read differently is how requests are smuggled.
        AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);

        var configuration = new GatewayConfiguration(args);
        var settings = await SettingsTrial.RunAsync(configuration.Candidate(configuration.FileContent));

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "Lumiku.Gateway" });
        configuration.AddTo(builder.Configuration);
        builder.Logging.AddGatewayLogging(builder.Configuration);
        builder.WebHost.UseGatewayServer(builder.Configuration);

        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(Random.Shared);
        builder.Services.AddSingleton(configuration);
        builder.Services.AddSingleton(new CurrentSettings(settings));
        builder.Services.AddSingleton<SettingsHistory>().AddHostedService<SettingsFollower>();
        builder.Services.AddGatewayMetrics();
        builder.Services.AddRouting();
        builder.Services.AddHealth(settings);
        builder.Services.AddCallerAuthentication();
        builder.Services.AddEntitlements();
        builder.Services.AddInferenceRequests();
        builder.Services.AddRedis(settings);
        builder.Services.AddExplanations(settings);
        builder.Services.AddLimits();
        builder.Services.AddImageCache();
        builder.Services.AddGeneration(settings);
        builder.Services.AddGatewayReverseProxy(builder.Configuration);
        builder.Services.AddDashboard(settings);
        replace?.Invoke(builder.Services);

        var app = builder.Build();
        app.UseGateway();
        app.LogStartup();
        return app;
    }
}
