using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Yarp.ReverseProxy.Configuration;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Reads settings as if they were in force: our own sections, then YARP's routes, clusters and transforms by YARP's validator.</summary>
internal static class SettingsTrial
{
    /// <returns>The checked settings, ready to be put in force.</returns>
    /// <exception cref="SettingsException">They are wrong; nothing has been applied.</exception>
    public static async Task<GatewaySettings> RunAsync(IConfigurationRoot candidate)
    {
        var settings = GatewaySettings.Read(candidate, out var ownMistakes);

        var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(candidate)
            .AddSingleton(new CurrentSettings(settings))
            .AddLogging();
        services.AddGatewayReverseProxy(candidate);
        await using var trial = services.BuildServiceProvider();

        List<string> mistakes = [.. ownMistakes, .. LogLevels.Check(candidate), .. await CheckAsync(trial, settings)];
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
            mistakes.AddRange((await validator.ValidateRouteAsync(route)).Select(error => $"'ReverseProxy:Routes:{route.RouteId}': {error.Message}"));
        }

        mistakes.AddRange(ProxyRules.Check(proxy));
        return mistakes;
    }
}
