namespace Lumiku.Gateway.RateLimiting;

internal static class RateLimitingSetup
{
    public static IServiceCollection AddLimits(this IServiceCollection services) => services
        .AddSingleton<ILimitStore, MemoryLimitStore>()
        .AddSingleton<IUnitLedger, UnitLedger>()
        .AddSingleton<HeldLeases>()
        .AddSingleton<LimitsEndpoints>();

    public static void MapLimits(this IEndpointRouteBuilder routes) => LimitsEndpoints.Map(routes);

    public static IApplicationBuilder UseLimits(this IApplicationBuilder app) => app.UseMiddleware<RateLimitingMiddleware>();
}
