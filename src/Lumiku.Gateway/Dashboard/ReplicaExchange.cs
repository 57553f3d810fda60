using Lumiku.Gateway.Redis;

namespace Lumiku.Gateway.Dashboard;

/// <summary>What replicas tell each other, through Redis, while somebody looks at a page of one of them.</summary>
/// <remarks>Who looks asks by a message; who hears it writes what it knows. While nobody asks, nobody writes, and what was written lapses.</remarks>
internal sealed class ReplicaExchange<T> : IDisposable
    where T : class
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    /// <summary>After which it is asked again while nobody was heard of, whatever the pace.</summary>
    private static readonly TimeSpan Impatience = TimeSpan.FromSeconds(1);

    /// <summary>For the others to write, before what they wrote is read.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    /// <summary>Nobody waits for it, and a slow one says nothing of Redis.</summary>
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(5);

    private static readonly string TellScript = RedisScript.Of(typeof(Digest), "tell");
    private static readonly string ReadScript = RedisScript.Of(typeof(Digest), "read");

    private readonly RedisConnection _redis;
    private readonly ExchangeTerms<T> _terms;
    private readonly TimeProvider _time;
    private readonly string _key;
    private readonly string _channel;
    private IReadOnlyList<Heard<T>> _others = [];
    private long _toldAt;
    private long _askedAt;
    private int _isTelling;
    private int _isAsking;

    /// <param name="keyPrefix">Of all keys and channels.</param>
    public ReplicaExchange(RedisConnection redis, string keyPrefix, ExchangeTerms<T> terms, TimeProvider time)
    {
        (_redis, _terms, _time) = (redis, terms, time);
        // The braces keep it in one slot of a cluster; the 3 is the version of what is written.
        _key = $"{keyPrefix}:ops:3:{{{terms.Name}}}";
        _channel = $"{keyPrefix}:ops:3:{terms.Name}";
        _redis.Listen(_channel, asker =>
        {
            if (asker != _terms.Replica && _time.GetElapsedTime(Volatile.Read(ref _toldAt)) >= _terms.Pace)
            {
                _ = Task.Run(TellAsync);
            }
        });
    }

    /// <summary>Asks the others, unless they have told just now, and returns at once with what was heard of them last, within <see cref="Lifetime"/>.</summary>
    /// <returns>Nothing while Redis is away.</returns>
    public IReadOnlyList<Heard<T>> Ask()
    {
        var others = Volatile.Read(ref _others);
        if (_time.GetElapsedTime(Volatile.Read(ref _askedAt)) >= (others.Count == 0 && Impatience < _terms.Pace ? Impatience : _terms.Pace))
        {
            _ = AskAsync();
        }

        return _redis.IsUp ? others : [];
    }

    public void Dispose() => _redis.Listen(_channel, heard: null);

    private async Task AskAsync()
    {
        if (Interlocked.Exchange(ref _isAsking, 1) == 1)
        {
            return;
        }

        try
        {
            Volatile.Write(ref _askedAt, _time.GetTimestamp());
            await _redis.PublishAsync(_channel, _terms.Replica, Budget);
            await Task.Delay(Patience, _time);
            Keep(await _redis.EvaluateAsync(ReadScript, _key, Budget, _terms.Replica, RedisArguments.Of((long)Lifetime.TotalMilliseconds)));
        }
        catch (Exception exception) when (exception is RedisFailedException or ObjectDisposedException)
        {
            // Again the next time.
        }
        finally
        {
            Volatile.Write(ref _isAsking, 0);
        }
    }

    private async Task TellAsync()
    {
        if (Interlocked.Exchange(ref _isTelling, 1) == 1)
        {
            return;
        }

        try
        {
            Volatile.Write(ref _toldAt, _time.GetTimestamp());
            await _redis.EvaluateAsync(TellScript, _key, Budget, _terms.Replica, _terms.Write(_terms.Here()), RedisArguments.Of((long)Lifetime.TotalMilliseconds));
        }
        catch (Exception exception) when (exception is RedisFailedException or ObjectDisposedException)
        {
            // Again when it is asked again.
        }
        finally
        {
            Volatile.Write(ref _isTelling, 0);
        }
    }

    /// <summary>When each told is known by Redis's clock, as theirs may be another.</summary>
    private void Keep(RedisReply reply)
    {
        List<Heard<T>> others = [];
        for (var i = 0; i + 1 < reply.Count; i += 2)
        {
            if (reply.Text(i + 1) is { } text && _terms.Read(text) is { } told)
            {
                others.Add(new Heard<T>(_time.GetUtcNow() - TimeSpan.FromMilliseconds(reply.Number(i)), told));
            }
        }

        Volatile.Write(ref _others, others);
    }
}

/// <param name="Name">Of the subject, one word; nothing else has the same.</param>
/// <param name="Replica">This one.</param>
/// <param name="Pace">Nobody tells more often.</param>
/// <param name="Here">What is told of this replica.</param>
/// <param name="Read">Null where it is another release's.</param>
internal sealed record ExchangeTerms<T>(string Name, string Replica, TimeSpan Pace, Func<T> Here, Func<T, string> Write, Func<string, T?> Read)
    where T : class;

/// <param name="At">By this replica's clock.</param>
internal sealed record Heard<T>(DateTimeOffset At, T What);
