using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.RateLimiting;

internal static class RateLimitingSetup
{
    public static IServiceCollection AddLimits(this IServiceCollection services) => services
        .AddSingleton<MemoryLimitStore>()
        .AddSingleton<ILimitStore>(StoreOf)
        .AddSingleton<IUnitLedger, UnitLedger>()
        .AddSingleton<HeldLeases>()
        .AddSingleton<OperatorLimits>()
        .AddSingleton<LimitsEndpoints>();

    /// <summary>In Redis where there is one, for all replicas; else in this process.</summary>
    private static ILimitStore StoreOf(IServiceProvider services)
    {
        var local = services.GetRequiredService<MemoryLimitStore>();
        if (services.GetService<RedisState>() is not { } redis)
        {
            return local;
        }

        var options = services.GetRequiredService<CurrentSettings>().Value.Redis;
        var time = services.GetRequiredService<TimeProvider>();
        SharedLimitStore store = new(
            redis.Connection, new RedisLimitStore(redis.Connection, options.KeyPrefix, time), local, options.ExpectedReplicas, time, services.GetRequiredService<ILogger<SharedLimitStore>>());
        services.GetRequiredService<GatewayMetrics>().WatchUntold(() => store.UntoldCount);
        return store;
    }

    public static void MapLimits(this IEndpointRouteBuilder routes) => LimitsEndpoints.Map(routes);

    public static IApplicationBuilder UseLimits(this IApplicationBuilder app) => app.UseMiddleware<RateLimitingMiddleware>();
}
