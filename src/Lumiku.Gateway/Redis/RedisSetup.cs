using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Redis;

/// <summary>The Redis that counts limits. Not there at all where none is configured.</summary>
internal sealed class RedisState(RedisConnection connection) : IAsyncDisposable
{
    public RedisConnection Connection => connection;

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}

/// <summary>The Redis that keeps images, by a connection of its own: behind an image of 1.2 MB a small answer would wait. Not there at all where none is configured.</summary>
internal sealed class RedisImages(RedisConnection connection) : IAsyncDisposable
{
    public RedisConnection Connection => connection;

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}

internal static class RedisSetup
{
    public static IServiceCollection AddRedis(this IServiceCollection services, GatewaySettings settings)
    {
        if (settings.RedisState is { } state)
        {
            services.AddSingleton(provider => new RedisState(Connect(provider, state, "limits")));
            services.AddHostedService(provider => new MemoryCheck(
                provider.GetRequiredService<RedisState>(), settings, provider.GetRequiredService<ILogger<MemoryCheck>>()));
        }

        if (settings.RedisImages is { } images)
        {
            services.AddSingleton(provider => new RedisImages(Connect(provider, images, "images")));
            services.AddSingleton(provider => new ImagesRoom(
                provider.GetRequiredService<RedisImages>().Connection, settings.Redis, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ImagesRoom>>()));
        }

        return services;

        RedisConnection Connect(IServiceProvider provider, RedisUrl url, string name)
        {
            RedisConnection connection = new(url, name, settings.Redis, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RedisConnection>>());
            provider.GetRequiredService<GatewayMetrics>().WatchRedis(name, () => connection.IsUp, () => connection.Outages);
            return connection;
        }
    }
}
