using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Configuration;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>What YARP accepts but must not be served with.</summary>
internal static class ProxyRules
{
    /// <returns>Every mistake in routes against clusters.</returns>
    public static IEnumerable<string> Check(IProxyConfig proxy, GatewaySettings settings)
    {
        if (proxy.Routes.Count == 0)
        {
            yield return "'ReverseProxy:Routes' has no route: every request would be 404.";
        }

        foreach (var (name, upstream) in settings.Upstreams.All)
        {
            var isMatched = upstream.Route is null && UpstreamCatalog.DialectOf(upstream) is HfInferenceDialect;
            if (!isMatched && CheckUpstream($"Upstreams:{name}", upstream.Route ?? name, upstream, proxy) is { } mistake)
            {
                yield return mistake;
            }
        }

        var clusters = proxy.Clusters.Select(cluster => cluster.ClusterId).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var route in proxy.Routes)
        {
            var key = $"ReverseProxy:Routes:{route.RouteId}";
            if (route.ClusterId is null || !clusters.Contains(route.ClusterId))
            {
                yield return $"'{key}:ClusterId' names the cluster '{route.ClusterId}', which ReverseProxy:Clusters does not have{Hint(route.ClusterId, clusters)}";
            }

            if (RouteLimits.IsNamed(route.RateLimiterPolicy) && !settings.RateLimiterPolicies.ContainsKey(route.RateLimiterPolicy!))
            {
                yield return $"'{key}:RateLimiterPolicy' names the policy '{route.RateLimiterPolicy}', which RateLimiterPolicies does not have{Hint(route.RateLimiterPolicy, settings.RateLimiterPolicies.Keys)}";
            }

            if (route.CorsPolicy is not null)
            {
                yield return $"'{key}:CorsPolicy' is not offered: a key has no place in a browser.";
            }

            if (route.Match.QueryParameters is { Count: > 0 })
            {
                yield return $"'{key}:Match:QueryParameters' would never match: no query is passed on, and routes are chosen without it.";
            }

            if (route.Match.Path?.Split('/', StringSplitOptions.RemoveEmptyEntries) is [var first, ..] && !first.Contains('{', StringComparison.Ordinal)
                && !first.Equals("models", StringComparison.OrdinalIgnoreCase) && !IsClosed(route))
            {
                yield return $"'{key}:Match:Path' begins with '{first}': callers get to /models/ alone. A route for an upstream has AuthorizationPolicy {ReverseProxySetup.ClosedPolicy}.";
            }

            if (proxy.Routes.FirstOrDefault(other => AreAlike(route, other)) is { } twin && !ReferenceEquals(twin, route))
            {
                yield return $"'{key}:Match' is the same as that of '{twin.RouteId}': give one of them an Order, or another Path.";
            }

            if (route.Timeout is not null || route.TimeoutPolicy is not null)
            {
                yield return $"'{key}' has a Timeout or TimeoutPolicy, which YARP answers with 400 (yarp#2662): use Generation:Deadline and the cluster's HttpRequest:ActivityTimeout.";
            }
        }
    }

    /// <summary>Its route is there, and no caller gets to it: what it takes is money.</summary>
    private static string? CheckUpstream(string key, string routeId, UpstreamOptions upstream, IProxyConfig proxy)
    {
        var route = proxy.Routes.FirstOrDefault(route => string.Equals(route.RouteId, routeId, StringComparison.OrdinalIgnoreCase));
        return route is null ? $"'{key}:Route' names the route '{routeId}', which ReverseProxy:Routes does not have{Hint(routeId, proxy.Routes.Select(other => other.RouteId))}"
            : UpstreamCatalog.DialectOf(upstream) is not (null or HfInferenceDialect) && !IsClosed(route)
                ? $"'ReverseProxy:Routes:{route.RouteId}:AuthorizationPolicy' must be {ReverseProxySetup.ClosedPolicy}: '{key}' goes by it, and no caller may."
            : null;
    }

    private static bool IsClosed(RouteConfig route) => string.Equals(route.AuthorizationPolicy, ReverseProxySetup.ClosedPolicy, StringComparison.OrdinalIgnoreCase);

    private static string Hint(string? name, IEnumerable<string> known) => name is not null && NearestName.Hint(name, known) is { Length: > 0 } hint ? hint : ".";

    /// <summary>Two routes that match the very same requests at the same order: the framework could not choose, and answers 500.</summary>
    private static bool AreAlike(RouteConfig route, RouteConfig other) =>
        route.Order == other.Order && route.Match.Headers is null && other.Match.Headers is null && route.Match.QueryParameters is null && other.Match.QueryParameters is null
        && string.Equals(route.Match.Path?.Trim('/'), other.Match.Path?.Trim('/'), StringComparison.OrdinalIgnoreCase)
        && Same(route.Match.Methods, other.Match.Methods) && Same(route.Match.Hosts, other.Match.Hosts);

    private static bool Same(IReadOnlyList<string>? some, IReadOnlyList<string>? others) =>
        (some ?? []).Order(StringComparer.OrdinalIgnoreCase).SequenceEqual((others ?? []).Order(StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase);

    /// <returns>Every mistake in one cluster.</returns>
    public static IEnumerable<string> Check(ClusterConfig cluster, GatewaySettings settings)
    {
        var key = $"ReverseProxy:Clusters:{cluster.ClusterId}";
        if (cluster.Destinations is null or { Count: 0 })
        {
            yield return $"'{key}:Destinations' has no destination.";
        }

        if (string.Equals(cluster.SessionAffinity?.Policy, "HashCookie", StringComparison.OrdinalIgnoreCase) && cluster.SessionAffinity?.Enabled == true)
        {
            yield return $"'{key}:SessionAffinity:Policy' is HashCookie, which is not offered: it would fail after upstream did the work.";
        }

        if (cluster.HttpClient?.DangerousAcceptAnyServerCertificate == true)
        {
            yield return $"'{key}:HttpClient:DangerousAcceptAnyServerCertificate' is not offered: the token would go to whoever answers.";
        }

        // YARP's own default where the cluster says nothing.
        var silence = cluster.HttpRequest?.ActivityTimeout ?? TimeSpan.FromSeconds(100);
        if (settings.Generation.Deadline > silence)
        {
            yield return $"'Generation:Deadline' ({settings.Generation.Deadline}) is longer than '{key}:HttpRequest:ActivityTimeout' ({silence}), which would end generations before it.";
        }
    }
}
