namespace Lumiku.Gateway.Entitlements;

internal static class EntitlementsSetup
{
    public static IServiceCollection AddEntitlements(this IServiceCollection services) => services.AddSingleton<TiersInUse>();

    public static IApplicationBuilder UseEntitlements(this IApplicationBuilder app) => app.UseMiddleware<EntitlementsMiddleware>();

    public static Identity GetIdentity(this HttpContext context) => context.Features.GetRequiredFeature<Identity>();
}
