namespace Lumiku.Gateway.Settings;

/// <summary>The settings that a request started with and keeps to its end.</summary>
internal static class SettingsFeature
{
    public static IApplicationBuilder UseSettingsSnapshot(this IApplicationBuilder app)
    {
        var current = app.ApplicationServices.GetRequiredService<CurrentSettings>();
        return app.Use((context, next) =>
        {
            context.Features.Set(current.Value);
            return next(context);
        });
    }

    public static GatewaySettings GetSettings(this HttpContext context) => context.Features.GetRequiredFeature<GatewaySettings>();
}
