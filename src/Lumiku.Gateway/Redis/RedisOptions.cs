using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Redis;

/// <summary>Bound from <c>Redis</c>; read once, at the start.</summary>
internal sealed class RedisOptions
{
    /// <summary>The URL of the server that counts limits. Default: <c>REDIS_URL</c>. Neither: everything is kept in this process.</summary>
    public Secret? State { get; init; }

    /// <summary>The URL of the server that keeps images. Default: the one of <see cref="State"/>.</summary>
    public Secret? Images { get; init; }

    /// <summary>The share of the images' server's <c>maxmemory</c> above which no image is written to it, where it would not make room by itself. Above 0, at most 1; default 0.8.</summary>
    public double ImagesUpTo { get; init; } = 0.8;

    /// <summary>How many gateways share it: while it is away, each goes by its share of the limits, rounded up. 1 to 1,000; default 1.</summary>
    public int ExpectedReplicas { get; init; } = 1;

    /// <summary>What one call may take; after three that took longer none is tried until Redis answers within half of it. 10 ms to 30 s; default 100 ms.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>What all keys begin with, so that several gateways can use one server. 1 to 32 letters, digits, '-' and '_'; default <c>lumiku</c>.</summary>
    public string KeyPrefix { get; init; } = "lumiku";
}
