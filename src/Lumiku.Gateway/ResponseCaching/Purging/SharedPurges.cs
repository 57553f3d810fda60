using System.Globalization;
using Lumiku.Gateway.Redis;
using static Lumiku.Gateway.Redis.RedisArguments;

namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary>The purges in Redis, numbered by its clock. Everything here may throw <see cref="RedisFailedException"/>.</summary>
internal sealed class SharedPurges(RedisConnection redis, string keyPrefix) : IDisposable
{
    /// <summary>Longer than any image is kept: a replica may have been cut off from Redis all the time.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(366);

    /// <summary>How long it is known which replicas have done one, and for how long they say so.</summary>
    private static readonly TimeSpan CountsLifetime = TimeSpan.FromMinutes(1);

    private const int Most = 100_000;
    private const int Page = 1_000;

    private static readonly string AnnounceScript = RedisScript.Of(typeof(SharedPurges), "announce");
    private static readonly string SinceScript = RedisScript.Of(typeof(SharedPurges), "since");
    private static readonly string ReportScript = RedisScript.Of(typeof(SharedPurges), "report");
    private static readonly string ReportsScript = RedisScript.Of(typeof(SharedPurges), "reports");

    /// <summary>The braces keep what belongs to it in one slot of a cluster; the 1 is the version of what is written.</summary>
    private readonly string _key = $"{keyPrefix}:purges:1:{{all}}";

    private readonly string _channel = $"{keyPrefix}:purges:1";
    private readonly string _replica = $"{Guid.NewGuid():N}";

    /// <param name="heard">There is one; must not wait for anything.</param>
    public void Listen(Action heard) => redis.Listen(_channel, _ => heard());

    /// <param name="root">The purge that it is a part of; 0: it stands by itself.</param>
    /// <param name="after">A number that was used already.</param>
    /// <returns>Its number.</returns>
    public async Task<long> AnnounceAsync(PurgeMark mark, long root, long after) =>
        (await redis.EvaluateAsync(AnnounceScript, _key, mark.Text, Of(root), Of(after), Of((long)Lifetime.TotalMilliseconds), Of(Most), _channel)).Number(0);

    /// <returns>Those after a number, in their order, a page at most; each with whether it is so new that somebody waits for the counts.</returns>
    public async Task<IReadOnlyList<(Purge Purge, bool IsNew)>> SinceAsync(long number)
    {
        var reply = await redis.EvaluateAsync(SinceScript, _key, Of(number), Of(Page));
        var newest = reply.Number(0) - (long)CountsLifetime.TotalMicroseconds;
        List<(Purge, bool)> purges = [];
        for (var i = 1; i + 1 < reply.Count; i += 2)
        {
            if (reply.Text(i + 1)?.Split(' ', 2) is [var root, var mark] && long.TryParse(root, NumberStyles.None, CultureInfo.InvariantCulture, out var of))
            {
                var own = reply.Number(i);
                purges.Add((new Purge(own, of == 0 ? own : of, new PurgeMark(mark)), own > newest));
            }
        }

        return purges;
    }

    /// <summary>This replica has done it.</summary>
    /// <param name="removed">From its memory.</param>
    public Task ReportAsync(Purge purge, int removed) =>
        redis.EvaluateAsync(ReportScript, _key, Of(purge.Root), _replica, Of(removed), Of((long)CountsLifetime.TotalMilliseconds));

    public async Task<(int Replicas, int Removed)> ReportsAsync(long number)
    {
        var reply = await redis.EvaluateAsync(ReportsScript, _key, Of(number));
        return ((int)reply.Number(0), (int)reply.Number(1));
    }

    public void Dispose() => redis.Listen(_channel, heard: null);
}
