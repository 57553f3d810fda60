namespace Lumiku.Gateway.RateLimiting;

internal static class RateLimitingSetup
{
    public static IServiceCollection AddUnits(this IServiceCollection services) => services.AddSingleton<IUnitLedger, UnlimitedUnits>();
}
