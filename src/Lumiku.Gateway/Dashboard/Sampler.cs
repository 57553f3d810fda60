namespace Lumiku.Gateway.Dashboard;

/// <summary>What all pages show at one moment.</summary>
/// <param name="Here">This replica.</param>
/// <param name="Replicas">All that are known of, this one first; those that were heard of last a while ago are among them.</param>
/// <param name="IsShared">There is a Redis, so that others can be known of.</param>
internal sealed record Sample(ReplicaSample Here, IReadOnlyList<ReplicaSample> Replicas, bool IsShared)
{
    /// <summary>After which a replica counts as gone.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    public bool IsGone(ReplicaSample replica) => Here.At - replica.At > Silence;

    public IReadOnlyList<ReplicaSample> Present => [.. Replicas.Where(replica => !IsGone(replica))];

    /// <summary>All that are there, as one.</summary>
    public ReplicaSample Sum => ReplicaSample.Add(Present);
}

/// <summary>Looks once a second for all pages together, and not at all while none is open.</summary>
internal sealed class Sampler(SampleReader reader, TimeProvider time, ReplicaExchange<ReplicaSample>? shared = null) : IDisposable
{
    /// <summary>How many pages are told at a time: more of them take turns, so that many cost callers no more than few.</summary>
    private const int MostAtOnce = 3;

    /// <summary>Shorter than that of asking, so that every question is answered.</summary>
    public static readonly TimeSpan TellingPace = TimeSpan.FromMilliseconds(900);

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly List<Action> _watchers = [];
    private ITimer? _timer;
    private int _turn;
    private Sample? _last;
    private long _lastAt;

    /// <summary>At most a second old.</summary>
    public Sample Current
    {
        get
        {
            lock (_lock)
            {
                return _last is { } last && time.GetElapsedTime(_lastAt) < Pace ? last : Take();
            }
        }
    }

    /// <param name="changed">Called once a second, or less often where many watch, by no request's thread; must not wait for anything.</param>
    /// <returns>Ends it when disposed.</returns>
    public IDisposable Watch(Action changed)
    {
        lock (_lock)
        {
            _watchers.Add(changed);
            _timer ??= time.CreateTimer(_ => Tick(), state: null, Pace, Pace);
        }

        return new Watching(this, changed);
    }

    public void Dispose() => _timer?.Dispose();

    private void Tick()
    {
        Action[] watchers;
        lock (_lock)
        {
            Take();
            var count = Math.Min(_watchers.Count, MostAtOnce);
            watchers = [.. Enumerable.Range(_turn, count).Select(turn => _watchers[turn % _watchers.Count])];
            _turn = count == 0 ? 0 : (_turn + count) % _watchers.Count;
        }

        foreach (var changed in watchers)
        {
            changed();
        }
    }

    private Sample Take()
    {
        var here = reader.Read();
        var others = shared?.Ask().Select(other => other.What with { At = other.At }).OrderBy(other => other.StartedAt);
        _last = new Sample(here, others is null ? [here] : [here, .. others], shared is not null);
        _lastAt = time.GetTimestamp();
        return _last;
    }

    private void Leave(Action changed)
    {
        lock (_lock)
        {
            _watchers.Remove(changed);
            if (_watchers.Count == 0)
            {
                _timer?.Dispose();
                _timer = null;
            }
        }
    }

    private sealed class Watching(Sampler sampler, Action changed) : IDisposable
    {
        public void Dispose() => sampler.Leave(changed);
    }
}
