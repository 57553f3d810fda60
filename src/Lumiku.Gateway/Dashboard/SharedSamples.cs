using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Dashboard;

/// <summary>Replicas that tell each other how they are, through Redis, while somebody looks at a page of one of them.</summary>
/// <remarks>Who looks asks by a message; who hears it writes what it knows, at most once a second. While nobody asks, nobody writes, and what was written lapses.</remarks>
internal sealed class SharedSamples : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    /// <summary>Longer than the pace of asking, so that two who look do not ask twice as much.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(900);

    private static readonly string TellScript = RedisScript.Of(typeof(SharedSamples), "tell");

    private readonly RedisConnection _redis;
    private readonly SampleReader _reader;
    private readonly TimeProvider _time;
    private readonly string _key;
    private readonly string _channel;
    private IReadOnlyList<ReplicaSample> _others = [];
    private long _toldAt;
    private int _isTelling;

    public SharedSamples(RedisState redis, CurrentSettings settings, SampleReader reader, TimeProvider time)
    {
        (_redis, _reader, _time) = (redis.Connection, reader, time);
        // The braces keep it in one slot of a cluster; the 1 is the version of what is written.
        _key = $"{settings.Value.Redis.KeyPrefix}:ops:1:{{all}}";
        _channel = $"{settings.Value.Redis.KeyPrefix}:ops:1";
        _redis.Listen(_channel, asker =>
        {
            if (_time.GetElapsedTime(Volatile.Read(ref _toldAt)) >= Pace)
            {
                _ = TellAsync(_reader.Read(), asks: false);
            }
        });
    }

    /// <summary>Asks the others, and returns at once with what was heard of them last.</summary>
    public IReadOnlyList<ReplicaSample> Exchange(ReplicaSample here)
    {
        _ = TellAsync(here, asks: true);
        // While Redis is away nobody is heard of, and the page says so.
        return _redis.IsUp ? Volatile.Read(ref _others) : [];
    }

    public void Dispose() => _redis.Listen(_channel, heard: null);

    private async Task TellAsync(ReplicaSample here, bool asks)
    {
        if (Interlocked.Exchange(ref _isTelling, 1) == 1)
        {
            return;
        }

        try
        {
            Volatile.Write(ref _toldAt, _time.GetTimestamp());
            var reply = await _redis.EvaluateAsync(
                TellScript, _key, here.Replica, SampleJson.Serialize(here), RedisArguments.Of((long)Lifetime.TotalMilliseconds), asks ? _channel : "");
            if (asks)
            {
                Read(reply, here);
            }
        }
        catch (RedisFailedException)
        {
            // Again the next time.
        }
        finally
        {
            Volatile.Write(ref _isTelling, 0);
        }
    }

    /// <summary>When each was heard of is told by Redis's clock, as theirs may be another.</summary>
    private void Read(RedisReply reply, ReplicaSample here)
    {
        List<ReplicaSample> others = [];
        for (var i = 0; i + 1 < reply.Count; i += 2)
        {
            if (reply.Text(i + 1) is { } text && SampleJson.Parse(text) is { } other && other.Replica != here.Replica)
            {
                others.Add(other with { At = here.At - TimeSpan.FromMilliseconds(reply.Number(i)) });
            }
        }

        Volatile.Write(ref _others, [.. others.OrderBy(other => other.StartedAt)]);
    }
}
