namespace Lumiku.Gateway.Dashboard;

/// <summary>The last requests of all replicas, as lists and counted. Made when a page asks, at most every two seconds for all pages together.</summary>
internal sealed class StoryDigest(DigestReader reader, TimeProvider time, ReplicaExchange<Digest>? shared = null)
{
    /// <summary>Of what a replica tells of its requests: a quarter of a megabyte, so not with every second.</summary>
    public static readonly TimeSpan TellingPace = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(2);

    /// <summary>After which a replica's requests are left out: it does not answer.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(20);

    private readonly Lock _lock = new();
    private Digest? _here;
    private long _hereAt;
    private IReadOnlyList<Heard<Digest>> _heard = [];
    private Digest? _all;

    public Digest Current
    {
        get
        {
            lock (_lock)
            {
                var heard = shared?.Ask() ?? [];
                if (_here is null || time.GetElapsedTime(_hereAt) >= Pace)
                {
                    (_here, _hereAt, _all) = (reader.Read(), time.GetTimestamp(), null);
                }

                if (_all is null || !ReferenceEquals(heard, _heard))
                {
                    var since = time.GetUtcNow() - Silence;
                    (_all, _heard) = (Digest.Add([_here, .. heard.Where(other => other.At >= since).Select(other => other.What)]), heard);
                }

                return _all;
            }
        }
    }
}
