namespace Lumiku.Gateway.Settings;

/// <summary>The settings that a request started with and keeps to its end.</summary>
internal static class SettingsFeature
{
    public static IApplicationBuilder UseSettingsSnapshot(this IApplicationBuilder app)
    {
        var current = app.ApplicationServices.GetRequiredService<CurrentSettings>();
        return app.Use((context, next) =>
        {
            if (current.Publishing is { } publishing)
            {
                return WaitAsync(context, next, publishing);
            }

            context.Features.Set(current.Value);
            return next(context);
        });

        async Task WaitAsync(HttpContext context, RequestDelegate next, Task publishing)
        {
            await publishing;
            context.Features.Set(current.Value);
            await next(context);
        }
    }

    public static GatewaySettings GetSettings(this HttpContext context) => context.Features.GetRequiredFeature<GatewaySettings>();
}
