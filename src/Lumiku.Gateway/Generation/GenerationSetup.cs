using Lumiku.Gateway.Generation.Fetching;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Generation;

internal static class GenerationSetup
{
    public static IServiceCollection AddGeneration(this IServiceCollection services, GatewaySettings settings)
    {
        if (settings.RedisState is not null)
        {
            services.AddSingleton(provider => new SharedFlights(
                provider.GetRequiredService<RedisState>().Connection, settings.Redis.KeyPrefix, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<SharedFlights>>()));
        }

        return services
            .AddSingleton<RunningGenerations>()
            .AddSingleton<UpstreamRoute>()
            .AddSingleton<UpstreamAttempt>()
            .AddSingleton(provider => new ImageFetcher(provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<Conversation>()
            .AddSingleton<TroubledModels>()
            .AddSingleton<Attempts>()
            .AddSingleton<Breakers>()
            .AddSingleton<ModelRun>()
            .AddSingleton<AbandonedGenerations>()
            .AddSingleton(provider => new ModelPlaces(
                model => provider.GetRequiredService<CurrentSettings>().Value.Models.Find(model)?.Options.ConcurrentGenerations, provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<Flights>()
            .AddSingleton<Landings>()
            .AddSingleton<Generator>();
    }

    public static IApplicationBuilder UseGeneration(this IApplicationBuilder app) => app.UseMiddleware<GenerationMiddleware>();

    /// <summary>Lets a substitute find its own route; comes after all routes are mapped.</summary>
    public static void UseRoutesForSubstitutes(this WebApplication app) => app.Services.GetRequiredService<UpstreamRoute>().UseRoutesOf(app);
}
