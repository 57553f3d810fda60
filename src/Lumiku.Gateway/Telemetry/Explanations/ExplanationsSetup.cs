using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Telemetry.Explanations;

internal static class ExplanationsSetup
{
    public static IServiceCollection AddExplanations(this IServiceCollection services, GatewaySettings settings)
    {
        if (settings.RedisImages is not null)
        {
            // Not with what is counted: a story is worth less than anybody's wait for a decision.
            services.AddSingleton(provider => new SharedStories(
                provider.GetRequiredService<RedisImages>().Connection, settings.Redis, provider.GetRequiredService<ImagesRoom>(), provider.GetRequiredService<StoryWriter>(), provider.GetRequiredService<TimeProvider>()));
        }

        return services.AddSingleton<StoryWriter>().AddSingleton<RecentStories>().AddSingleton<ExplainEndpoint>();
    }

    public static IApplicationBuilder UseExplanations(this IApplicationBuilder app) => app.UseMiddleware<Storytelling>();

    public static void MapExplanations(this IEndpointRouteBuilder routes) => ExplainEndpoint.Map(routes);
}
