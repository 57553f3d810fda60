using System.Threading.RateLimiting;
using Lumiku.Gateway.Settings;
using Microsoft.AspNetCore.RateLimiting;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Has a route's <c>RateLimiterPolicy</c> name one of <c>RateLimiterPolicies</c>, which may change while the gateway runs.</summary>
/// <remarks>
/// The framework knows the policies of its start alone. So every route that names one gets the same, which looks the name up in the settings of
/// the request. Who is not known is not counted: a route could be closed without a key otherwise.
/// </remarks>
internal sealed class RouteLimits : IProxyConfigFilter
{
    private const string Shared = "lumiku";
    private const string NameKey = "lumiku.rate-limiter-policy";

    public static void Configure(RateLimiterOptions options)
    {
        options.AddPolicy(Shared, Partition);
        options.OnRejected = static (rejected, _) => new ValueTask(GatewayProblem
            .RouteLimited(rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1)).ExecuteAsync(rejected.HttpContext));
    }

    /// <summary>The framework's own words for none, and for its default.</summary>
    public static bool IsNamed(string? policy) =>
        !string.IsNullOrEmpty(policy) && !policy.Equals("Disable", StringComparison.OrdinalIgnoreCase) && !policy.Equals("Default", StringComparison.OrdinalIgnoreCase);

    public static void Check(IReadOnlyDictionary<string, RateLimiterPolicyOptions?> policies, SettingsReader read)
    {
        foreach (var (name, policy) in policies)
        {
            var key = $"RateLimiterPolicies:{name}";
            if (policy?.Kind is null)
            {
                read.Refuse($"{key}:Kind", $"is missing; there are {string.Join(", ", Enum.GetNames<LimiterKind>())}");
            }

            if (policy?.PermitLimit is null)
            {
                read.Refuse($"{key}:PermitLimit", "is missing: how many requests are let through");
            }

            if (policy is { Kind: not LimiterKind.Concurrency, Window: null })
            {
                read.Refuse($"{key}:Window", "is missing: in what time so many requests are let through");
            }
        }
    }

    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel) => new(cluster);

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel) => new(
        !IsNamed(route.RateLimiterPolicy) ? route
        : route with { RateLimiterPolicy = Shared, Metadata = new Dictionary<string, string>(route.Metadata ?? new Dictionary<string, string>()) { [NameKey] = route.RateLimiterPolicy! } });

    private static RateLimitPartition<object> Partition(HttpContext context)
    {
        var route = context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config;
        if (context.User.Identity?.IsAuthenticated != true || route?.Metadata?.GetValueOrDefault(NameKey) is not { } name
            || context.GetSettings().RateLimiterPolicies.GetValueOrDefault(name) is not { } policy)
        {
            return RateLimitPartition.GetNoLimiter<object>("");
        }

        // The values are a part of the key: changed ones begin anew.
        var key = (route.RouteId, name, policy);
        return policy.Kind switch
        {
            LimiterKind.FixedWindow => RateLimitPartition.GetFixedWindowLimiter<object>(key, _ => new FixedWindowRateLimiterOptions { PermitLimit = policy.PermitLimit!.Value, Window = policy.Window!.Value, QueueLimit = policy.QueueLimit }),
            LimiterKind.SlidingWindow => RateLimitPartition.GetSlidingWindowLimiter<object>(key, _ => new SlidingWindowRateLimiterOptions { PermitLimit = policy.PermitLimit!.Value, Window = policy.Window!.Value, SegmentsPerWindow = policy.SegmentsPerWindow, QueueLimit = policy.QueueLimit }),
            LimiterKind.TokenBucket => RateLimitPartition.GetTokenBucketLimiter<object>(key, _ => new TokenBucketRateLimiterOptions { TokenLimit = policy.PermitLimit!.Value, ReplenishmentPeriod = policy.Window!.Value, TokensPerPeriod = policy.TokensPerPeriod, QueueLimit = policy.QueueLimit }),
            _ => RateLimitPartition.GetConcurrencyLimiter<object>(key, _ => new ConcurrencyLimiterOptions { PermitLimit = policy.PermitLimit!.Value, QueueLimit = policy.QueueLimit }),
        };
    }
}
