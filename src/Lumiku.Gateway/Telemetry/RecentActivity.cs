using System.Collections.Concurrent;

namespace Lumiku.Gateway.Telemetry;

/// <summary>What is counted of the last hour.</summary>
internal enum Counted
{
    /// <summary>Requests for models that ended, in any way.</summary>
    Requests,

    /// <summary>Answered with a kept image.</summary>
    Hits,

    /// <summary>Answered with another request's image.</summary>
    Shared,

    /// <summary>Answered with an image that was made for it.</summary>
    Made,

    /// <summary>Answered with 500 or above.</summary>
    Failed,

    /// <summary>Whose caller left.</summary>
    Gone,

    /// <summary>Answered with 400 to 498 for another reason than a limit of ours.</summary>
    Declined,

    /// <summary>Refused by a limit of ours, or by several.</summary>
    Refused,

    RefusedByRequests,
    RefusedByConcurrency,
    RefusedByDay,
    RefusedByMonth,

    /// <summary>Single requests to upstream that ended.</summary>
    Attempts,

    /// <summary>Those of them that brought no image.</summary>
    AttemptsFailed,

    /// <summary>For which upstream refused our own account.</summary>
    AccountRefused,

    Units,

    /// <summary>Millionths of the currency.</summary>
    SpentMillionths,

    /// <inheritdoc cref="SpentMillionths"/>
    SavedMillionths,
}

/// <summary>The last hour in slots of ten seconds, for whoever looks at it later: it is always kept, as a page shows the hour before it was opened.</summary>
/// <remarks>50 kB in all, and nothing is allocated but by a model's first generation.</remarks>
internal sealed class RecentActivity(TimeProvider time)
{
    public const int Minutes = 60;

    private const int SlotsPerMinute = 6;

    /// <summary>The hour, and the slot that is being counted in.</summary>
    private const int Slots = (Minutes * SlotsPerMinute) + 1;

    private static readonly int Kinds = Enum.GetValues<Counted>().Length;

    private readonly long[] _counts = new long[Slots * Kinds];
    private readonly long[] _slotOf = new long[Slots];
    private readonly Lock _turning = new();
    private readonly ConcurrentDictionary<string, GenerationTimes> _models = new(StringComparer.OrdinalIgnoreCase);
    private int _waiting;

    /// <summary>Requests that wait for an image at this moment.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public void WaitingChanged(int change) => Interlocked.Add(ref _waiting, change);

    public void Count(Counted what, long number = 1)
    {
        var now = Now();
        var place = (int)(now % Slots);
        if (Volatile.Read(ref _slotOf[place]) != now)
        {
            Turn(place, now);
        }

        Interlocked.Add(ref _counts[(place * Kinds) + (int)what], number);
    }

    public void RequestEnded(RequestRecord record, int status)
    {
        Count(Counted.Requests);
        if (record.ViolatedPolicies is not null)
        {
            Count(Counted.Refused);
        }

        foreach (var policy in record.ViolatedPolicies ?? [])
        {
            Count(policy switch { "requests" => Counted.RefusedByRequests, "concurrency" => Counted.RefusedByConcurrency, "day" => Counted.RefusedByDay, _ => Counted.RefusedByMonth });
        }

        switch (record.Facts.GetValueOrDefault("Cache"))
        {
            case "HIT":
                Count(Counted.Hits);
                break;
            case "COALESCED":
                Count(Counted.Shared);
                break;
            case "MISS" or "BYPASS":
                Count(Counted.Made);
                break;
            case null when status == RequestRecord.CallerGone:
                Count(Counted.Gone);
                break;
            case null when status >= 500:
                Count(Counted.Failed);
                break;
            case null when status >= 400 && record.ViolatedPolicies is null:
                Count(Counted.Declined);
                break;
        }

        if (record.Cost is { } cost)
        {
            Count(Counted.SavedMillionths, Millionths(cost.SavedByCache + cost.SavedBySubstitution));
        }
    }

    /// <param name="model">Of the catalog, or <c>other</c>.</param>
    public void Generated(string model, bool isImage, TimeSpan took) => _models.GetOrAdd(model, _ => new GenerationTimes()).Add(time.GetTimestamp(), isImage ? took : null);

    public void Spent(decimal price) => Count(Counted.SpentMillionths, Millionths(price));

    /// <summary>By minutes, the oldest first; the last one ends now.</summary>
    public long[] Read(Counted what)
    {
        var minutes = new long[Minutes];
        var now = Now();
        for (var back = 0; back < Minutes * SlotsPerMinute; back++)
        {
            var place = (int)((now - back) % Slots);
            if (Volatile.Read(ref _slotOf[place]) == now - back)
            {
                minutes[Minutes - 1 - (back / SlotsPerMinute)] += Volatile.Read(ref _counts[(place * Kinds) + (int)what]);
            }
        }

        return minutes;
    }

    /// <summary>What each model did within the hour, as far as it is remembered.</summary>
    public IEnumerable<(string Model, IReadOnlyList<int> Milliseconds, int Failed)> ReadModels() =>
        from model in _models
        let read = model.Value.Read(at => time.GetElapsedTime(at) < TimeSpan.FromMinutes(Minutes))
        orderby model.Key
        select (model.Key, (IReadOnlyList<int>)read.Milliseconds, read.Failed);

    private static long Millionths(decimal amount) => (long)Math.Min(1_000_000_000_000_000m, amount * 1_000_000);

    /// <summary>The slot of this moment. More than an hour after the clock's zero, which may be when the machine was started.</summary>
    private long Now() => Slots + ((long)time.GetElapsedTime(0, time.GetTimestamp()).TotalSeconds / (60 / SlotsPerMinute));

    private void Turn(int place, long now)
    {
        lock (_turning)
        {
            if (_slotOf[place] < now)
            {
                _counts.AsSpan(place * Kinds, Kinds).Clear();
                Volatile.Write(ref _slotOf[place], now);
            }
        }
    }

    /// <summary>The last generations of one model.</summary>
    private sealed class GenerationTimes
    {
        private const int Most = 128;

        private readonly (long At, int Milliseconds)[] _last = new (long, int)[Most];
        private long _count;

        /// <param name="took">Null: there is no image.</param>
        public void Add(long at, TimeSpan? took)
        {
            lock (_last)
            {
                _last[_count++ % Most] = (at, took is { } span ? (int)Math.Min(int.MaxValue, span.TotalMilliseconds) : -1);
            }
        }

        public (List<int> Milliseconds, int Failed) Read(Func<long, bool> isRecent)
        {
            lock (_last)
            {
                var recent = _last.Take((int)Math.Min(_count, Most)).Where(one => isRecent(one.At)).Select(one => one.Milliseconds).ToList();
                return ([.. recent.Where(took => took >= 0)], recent.Count(took => took < 0));
            }
        }
    }
}
