using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Tests.Support;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>The store in Redis keeps the very same contract.</summary>
public sealed class RedisLimitStoreTests(RedisServer redis) : LimitStoreContract, IAsyncLifetime
{
    private readonly RedisConnection _connection = Replica.Connect(redis.Url, "limits");

    public async ValueTask InitializeAsync() => await Eventually.BeAsync(() => _connection.IsUp, "it is connected");

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private protected override ILimitStore Create(ManualTime time) => new RedisLimitStore(_connection, "contract", time, testClock: time);
}
