using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.ResponseCaching.Purging;

internal static class PurgeSetup
{
    public static IServiceCollection AddPurging(this IServiceCollection services) => services
        .AddSingleton<PurgeList>()
        .AddSingleton<AnsweredRequests>()
        .AddSingleton(provider => new Purger(
            provider.GetRequiredService<ImageCache>(), provider.GetRequiredService<PurgeList>(), provider.GetRequiredService<AnsweredRequests>(), SharedOf(provider)))
        .AddSingleton<PurgeEndpoint>()
        .AddHostedService<PurgeFollower>();

    /// <summary>With what is counted rather than with images: those may be pushed out.</summary>
    private static SharedPurges? SharedOf(IServiceProvider services) =>
        (services.GetService<RedisState>()?.Connection ?? services.GetService<RedisImages>()?.Connection) is not { } redis ? null
        : new SharedPurges(redis, services.GetRequiredService<CurrentSettings>().Value.Redis.KeyPrefix);

    public static void MapPurge(this IEndpointRouteBuilder routes) => PurgeEndpoint.Map(routes);
}
