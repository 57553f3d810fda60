using Lumiku.Gateway.ReverseProxy;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands;

/// <summary>What a settings file counts on being given by variables, and this environment does not give.</summary>
internal static class MissingSecrets
{
    /// <returns>Keys: credentials that routes and destinations name, keys of callers without one, and the backend's where there is no caller at all.</returns>
    public static IReadOnlyList<string> Of(IConfiguration settings) => [.. Credentials(settings), .. Callers(settings)];

    private static IEnumerable<string> Credentials(IConfiguration settings)
    {
        var byRoutes = from route in settings.GetSection("ReverseProxy:Routes").GetChildren()
                       from transform in route.GetSection("Transforms").GetChildren()
                       select transform[UpstreamCredentialTransform.Key];
        var byDestinations = from cluster in settings.GetSection("ReverseProxy:Clusters").GetChildren()
                             from destination in cluster.GetSection("Destinations").GetChildren()
                             select destination[$"Metadata:{UpstreamDestinations.CredentialKey}"];
        // A token in place of its name stays the mistake that it is.
        return byRoutes.Concat(byDestinations).Where(UpstreamCredentialTransform.IsName).Distinct(StringComparer.OrdinalIgnoreCase)
            .Select(name => $"Credentials:{name}").Where(key => string.IsNullOrEmpty(settings[key]));
    }

    private static IEnumerable<string> Callers(IConfiguration settings)
    {
        var callers = settings.GetSection("Callers").GetChildren().ToList();
        return callers.Count == 0 && string.IsNullOrEmpty(settings[ShortVariables.JwtSecret])
            ? ["Callers:backend:Key"]
            : callers.Where(caller => string.IsNullOrEmpty(caller.Value) && caller["Key"] is null && caller["KeySha256"] is null).Select(caller => $"{caller.Path}:Key");
    }
}
