using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Lumiku.Gateway.ResponseCaching.Purging;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Images in this process' memory, at most <c>Cache:MemoryBytes</c> of them.</summary>
/// <remarks>
/// S3-FIFO (Yang et al., “FIFO queues are all you need for cache eviction”, SOSP 2023): an image begins in a small queue of a tenth of the
/// memory and passes on to the main one only if it is asked for again there, so images that nobody wants twice push out no popular ones.
/// Keys that fell out of the small queue are remembered a while; one that comes back goes to the main queue at once. Reading takes no lock.
/// </remarks>
internal sealed class ImageCache(CurrentSettings settings, TimeProvider time)
{
    /// <summary>Key, entry, nodes and headers of one image, roughly.</summary>
    private const int Overhead = 1024;

    /// <summary>The small queue's share of the memory.</summary>
    private const int SmallShare = 10;

    private readonly ConcurrentDictionary<CacheKey, Entry> _entries = [];
    private readonly Lock _lock = new();
    private readonly Queue _small = new();
    private readonly Queue _main = new();
    private readonly GhostKeys _ghosts = new();

    /// <summary>Memory that kept images take.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _small.Bytes + _main.Bytes;
            }
        }
    }

    public int Count => _entries.Count;

    /// <summary>Images that were pushed out before their time, since the start.</summary>
    public long Evictions { get; private set; }

    /// <summary>Whether there is an image that has not expired; it does not stay longer for that.</summary>
    public bool Contains(CacheKey key) => _entries.TryGetValue(key, out var entry) && !IsExpired(entry);

    /// <summary>A kept image that has not expired. Being found makes it stay longer.</summary>
    public bool TryFind(CacheKey key, [NotNullWhen(true)] out KeptImage? found)
    {
        found = null;
        if (settings.Value.Cache.MemoryBytes == 0 || !_entries.TryGetValue(key, out var entry))
        {
            return false;
        }

        var now = time.GetTimestamp();
        if (now >= entry.ExpiresAt)
        {
            Drop(entry);
            return false;
        }

        // Null where it is let go of at this very moment.
        if (entry.Lease.Share() is not { } lease)
        {
            return false;
        }

        entry.Touch();
        found = new KeptImage(lease, time.GetElapsedTime(entry.KeptAt, now), time.GetElapsedTime(now, entry.ExpiresAt));
        return true;
    }

    /// <summary>Keeps an image in place of what the key had. One that is larger than the whole memory, or lives no time, is not kept.</summary>
    /// <param name="lease">The caller's own, which stays the caller's.</param>
    /// <param name="claimant">For whom alone it waits; null: for nobody in particular.</param>
    /// <param name="age">How long it was kept elsewhere before.</param>
    /// <returns>Whether it was kept.</returns>
    public bool Keep(CacheKey key, ImageLease lease, TimeSpan lifetime, PurgeMark? claimant = null, TimeSpan age = default)
    {
        var capacity = settings.Value.Cache.MemoryBytes;
        var now = time.GetTimestamp();
        if (lease.Share() is not { } own)
        {
            return false;
        }

        var entry = new Entry(key, own, claimant, own.Image.HeldBytes + Overhead, now - TimestampsIn(age), now + TimestampsIn(lifetime));
        lock (_lock)
        {
            if (_entries.TryRemove(key, out var old))
            {
                LetGo(old);
            }

            var isKept = entry.Bytes <= capacity && lifetime > TimeSpan.Zero;
            // One that is not kept pushes nobody out; but a smaller Cache:MemoryBytes is followed here too.
            MakeRoom(isKept ? capacity - entry.Bytes : capacity, capacity);
            if (!isKept)
            {
                own.Dispose();
                return false;
            }

            (_ghosts.Remove(key) ? _main : _small).Add(entry);
            _entries[key] = entry;
            return true;
        }
    }

    public void Remove(CacheKey key)
    {
        if (_entries.TryGetValue(key, out var entry))
        {
            Drop(entry);
        }
    }

    /// <summary>Removes what the key has, unless it is this very picture.</summary>
    public void RemoveOther(CacheKey key, string etag)
    {
        if (_entries.TryGetValue(key, out var entry) && entry.Lease.Image.ETag != etag)
        {
            Drop(entry);
        }
    }

    /// <summary>Removes all that are meant, by what they are and for whom alone they wait.</summary>
    /// <returns>How many.</returns>
    public int Remove(Func<GeneratedImage, PurgeMark?, bool> isMeant) =>
        _entries.Values.Where(entry => isMeant(entry.Lease.Image, entry.Claimant)).Count(Drop);

    /// <returns>False where somebody else has removed or replaced it.</returns>
    private bool Drop(Entry entry)
    {
        lock (_lock)
        {
            if (!_entries.TryRemove(new KeyValuePair<CacheKey, Entry>(entry.Key, entry)))
            {
                return false;
            }

            LetGo(entry);
            return true;
        }
    }

    private static void LetGo(Entry entry)
    {
        entry.Queue!.Remove(entry);
        entry.Lease.Dispose();
    }

    private void MakeRoom(long allowed, long capacity)
    {
        while (_small.Bytes + _main.Bytes > allowed)
        {
            if (_main.Oldest is null || (_small.Oldest is not null && _small.Bytes > capacity / SmallShare))
            {
                LeaveSmall(_small.Oldest!);
            }
            else
            {
                LeaveMain(_main.Oldest);
            }
        }
    }

    private void LeaveSmall(Entry oldest)
    {
        if (oldest.WasAskedFor && !IsExpired(oldest))
        {
            _small.Remove(oldest);
            oldest.Forget();
            _main.Add(oldest);
        }
        else
        {
            Evict(oldest);
            _ghosts.Add(oldest.Key, most: _entries.Count);
        }
    }

    private void LeaveMain(Entry oldest)
    {
        if (oldest.WasAskedFor && !IsExpired(oldest))
        {
            _main.Remove(oldest);
            oldest.Fade();
            _main.Add(oldest);
        }
        else
        {
            Evict(oldest);
        }
    }

    private void Evict(Entry entry)
    {
        _entries.TryRemove(entry.Key, out _);
        Evictions += IsExpired(entry) ? 0 : 1;
        LetGo(entry);
    }

    private long TimestampsIn(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private bool IsExpired(Entry entry) => time.GetTimestamp() >= entry.ExpiresAt;

    /// <summary>An image with how often it was asked for lately: 0 to 3.</summary>
    private sealed class Entry(CacheKey key, ImageLease lease, PurgeMark? claimant, long bytes, long keptAt, long expiresAt)
    {
        private const int Most = 3;

        private int _asked;

        public CacheKey Key => key;

        public ImageLease Lease => lease;

        public PurgeMark? Claimant => claimant;

        public long Bytes => bytes;

        public long KeptAt => keptAt;

        public long ExpiresAt => expiresAt;

        public Queue? Queue { get; set; }

        public LinkedListNode<Entry>? Node { get; set; }

        public bool WasAskedFor => _asked > 0;

        /// <summary>Without a lock: a lost count does no harm, and a popular image's is not written again and again.</summary>
        public void Touch()
        {
            if (_asked < Most)
            {
                _asked++;
            }
        }

        public void Fade() => _asked--;

        public void Forget() => _asked = 0;
    }

    /// <summary>First in, first out; and how many bytes.</summary>
    private sealed class Queue
    {
        private readonly LinkedList<Entry> _list = new();

        public long Bytes { get; private set; }

        public Entry? Oldest => _list.First?.Value;

        public void Add(Entry entry)
        {
            entry.Queue = this;
            entry.Node = _list.AddLast(entry);
            Bytes += entry.Bytes;
        }

        public void Remove(Entry entry)
        {
            _list.Remove(entry.Node!);
            Bytes -= entry.Bytes;
        }
    }
}
