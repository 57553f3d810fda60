namespace Lumiku.Gateway.Redis;

/// <summary>Whether the images' server has memory left for what can be made again: asked now and then. What must not be lost lies there too.</summary>
internal sealed partial class ImagesRoom(RedisConnection redis, RedisOptions options, TimeProvider time, ILogger<ImagesRoom> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private long _asked = long.MinValue;
    private volatile bool _hasRoom = true;

    /// <summary>What was found last; true before the first look.</summary>
    public bool HadRoom => _hasRoom;

    /// <summary>One that makes room by itself, whatever lies in it, always has.</summary>
    /// <param name="key">Of what is to be written: in a cluster its node is asked.</param>
    /// <exception cref="RedisUnavailableException">It is not to be learned.</exception>
    public async Task<bool> HasAsync(string key)
    {
        var now = time.GetTimestamp();
        var asked = Volatile.Read(ref _asked);
        if (asked != long.MinValue && time.GetElapsedTime(asked, now) < Interval)
        {
            return _hasRoom;
        }

        Volatile.Write(ref _asked, now);
        RedisReply memory;
        try
        {
            memory = await redis.EvaluateAsync(MemoryCheck.Script, key);
        }
        catch (RedisScriptException)
        {
            // One that may not be asked is written to until it refuses.
            return _hasRoom = true;
        }

        var (used, most, policy) = (memory.Number(0), memory.Number(1), memory.Text(2));
        var hasRoom = most == 0 || policy?.StartsWith("allkeys", StringComparison.Ordinal) == true || used <= most * options.ImagesUpTo;
        if (hasRoom != _hasRoom)
        {
            Log.Room(logger, hasRoom ? "again" : "no longer", used, most);
        }

        return _hasRoom = hasRoom;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Images are {Again} written to Redis: it uses {Used} of {Most} bytes")]
        public static partial void Room(ILogger logger, string again, long used, long most);
    }
}
