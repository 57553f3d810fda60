namespace Lumiku.Gateway.Generation;

internal static class GenerationSetup
{
    public static IServiceCollection AddGeneration(this IServiceCollection services) => services
        .AddSingleton<RunningGenerations>()
        .AddSingleton<UpstreamAttempt>()
        .AddSingleton<Generator>();

    public static IApplicationBuilder UseGeneration(this IApplicationBuilder app) => app.UseMiddleware<GenerationMiddleware>();
}
