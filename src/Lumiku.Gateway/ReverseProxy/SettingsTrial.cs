using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Yarp.ReverseProxy.Configuration;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Reads settings as if they were in force: names and values, then what our sections mean for each other, then YARP's routes, clusters and transforms by YARP's validator, then Serilog's section by Serilog.</summary>
internal static class SettingsTrial
{
    /// <returns>The checked settings, ready to be put in force.</returns>
    /// <exception cref="SettingsException">They are wrong; nothing has been applied.</exception>
    public static async Task<GatewaySettings> RunAsync(IConfigurationRoot candidate)
    {
        var shapeMistakes = SettingsShape.Check(candidate, out var usable);
        if (usable is null)
        {
            throw new SettingsException(shapeMistakes);
        }

        var settings = GatewaySettings.Read(usable, out var ownMistakes);
        var services = new ServiceCollection()
            .AddSingleton(usable)
            .AddSingleton(new CurrentSettings(settings))
            .AddLogging();
        services.AddGatewayReverseProxy(usable);
        await using var trial = services.BuildServiceProvider();

        List<string> mistakes = [.. shapeMistakes, .. ownMistakes, .. await CheckAsync(trial, settings)];
        if (mistakes.Count == 0)
        {
            // Levels are tried above; what else is wrong with them would be told twice.
            mistakes.AddRange(GatewayLogging.Check(candidate));
        }

        return mistakes.Count == 0 ? settings : throw new SettingsException(mistakes);
    }

    private static async Task<List<string>> CheckAsync(IServiceProvider trial, GatewaySettings settings)
    {
        IProxyConfig proxy;
        try
        {
            proxy = trial.GetRequiredService<IProxyConfigProvider>().GetConfig();
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException or ArgumentException or OverflowException)
        {
            return [$"'ReverseProxy': {exception.Message}"];
        }

        var validator = trial.GetRequiredService<IConfigValidator>();
        List<string> mistakes = [];
        foreach (var cluster in proxy.Clusters)
        {
            mistakes.AddRange((await validator.ValidateClusterAsync(cluster)).Select(error => $"'ReverseProxy:Clusters:{cluster.ClusterId}': {error.Message}"));
            mistakes.AddRange(ProxyRules.Check(cluster, settings));
        }

        foreach (var route in proxy.Routes)
        {
            // Those are policies of ours, which YARP's validator does not know.
            var others = RouteLimits.IsNamed(route.RateLimiterPolicy) ? route with { RateLimiterPolicy = null } : route;
            mistakes.AddRange((await validator.ValidateRouteAsync(others)).Select(error => $"'ReverseProxy:Routes:{route.RouteId}': {error.Message}"));
        }

        mistakes.AddRange(ProxyRules.Check(proxy, settings));
        return mistakes;
    }
}
