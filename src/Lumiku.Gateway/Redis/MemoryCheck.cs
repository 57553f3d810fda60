using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Redis;

/// <summary>Looks, each time a Redis is there, whether its memory is configured for what is in it, and says what to do where it is not.</summary>
/// <remarks>
/// Counts of a month must not be pushed out by images, and images must not fill the memory so that nothing can be counted. On one server for
/// both only <c>noeviction</c> is safe: images stop being written above a share of the memory.
/// </remarks>
internal sealed partial class MemoryCheck(RedisState state, GatewaySettings settings, ILogger<MemoryCheck> logger) : IHostedService
{
    /// <summary>Used, the most, and what happens beyond it.</summary>
    public const string Script = """
        local info = redis.call('INFO', 'memory')
        return { tonumber(string.match(info, 'used_memory:(%d+)') or 0), tonumber(string.match(info, 'maxmemory:(%d+)') or 0), string.match(info, 'maxmemory_policy:([%w-]+)') or '' }
        """;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        state.Connection.CameUp += () => _ = CheckAsync();
        if (state.Connection.IsUp)
        {
            _ = CheckAsync();
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task CheckAsync()
    {
        try
        {
            var memory = await state.Connection.EvaluateAsync(Script, $"{settings.Redis.KeyPrefix}:memory");
            var (most, policy) = (memory.Number(1), memory.Text(2) ?? "");
            var isForImagesToo = settings.RedisImages?.IsSameServer(settings.RedisState!) == true;
            if (policy != "noeviction" && most > 0)
            {
                Log.Evicts(logger, policy, isForImagesToo ? "images would push out what users have spent" : "what users have spent would be pushed out");
            }
            else if (most == 0 && isForImagesToo)
            {
                Log.Unbounded(logger);
            }
        }
        catch (RedisFailedException)
        {
            // Again when it is back.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Redis for limits has maxmemory-policy {Policy}: when its memory is full, {What}. Say: redis-cli CONFIG SET maxmemory-policy noeviction; and in its configuration")]
        public static partial void Evicts(ILogger logger, string policy, string what);

        [LoggerMessage(2, LogLevel.Warning, "Redis for limits and images has no maxmemory: images can fill the machine. Say, for half a gigabyte: redis-cli CONFIG SET maxmemory 512mb; and in its configuration")]
        public static partial void Unbounded(ILogger logger);
    }
}
