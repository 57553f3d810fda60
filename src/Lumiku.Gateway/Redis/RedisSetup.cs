using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Redis;

/// <summary>The Redis that counts limits. Not there at all where none is configured.</summary>
internal sealed class RedisState(RedisConnection connection) : IAsyncDisposable
{
    public RedisConnection Connection => connection;

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}

internal static class RedisSetup
{
    public static IServiceCollection AddRedis(this IServiceCollection services, GatewaySettings settings)
    {
        if (settings.RedisState is { } url)
        {
            services.AddSingleton(provider => new RedisState(new RedisConnection(
                url, "limits", settings.Redis.KeyPrefix, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RedisConnection>>())));
        }

        return services;
    }
}
