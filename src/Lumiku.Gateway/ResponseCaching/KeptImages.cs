using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching.Purging;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Images that are kept: in this process' memory and, where there is a Redis, there for all replicas.</summary>
/// <param name="shared">Null: each replica keeps its own.</param>
internal sealed class KeptImages(ImageCache memory, SharedImages? shared, Purger purger)
{
    private readonly ConcurrentDictionary<CacheKey, Task<KeptImage?>> _reading = [];

    /// <summary>Claims that are being written to Redis, and are found here meanwhile.</summary>
    private readonly ConcurrentDictionary<CacheKey, Claiming> _claiming = [];

    /// <summary>Drops from memory what another replica has made anew. A message that is lost leaves it there until it expires.</summary>
    public void Listen() => shared?.Listen(memory.RemoveOther);

    /// <summary>Looks into memory alone.</summary>
    public bool TryFind(CacheKey key, [NotNullWhen(true)] out KeptImage? found) => memory.TryFind(key, out found);

    /// <summary>Whether something is kept in memory under the key; it does not count as asked for.</summary>
    public bool IsHere(CacheKey key) => memory.Contains(key);

    /// <summary>Looks into memory, then into Redis. However many look for one image at once, it is read from there once.</summary>
    /// <returns>The image with a lease of the caller's own; null where it is in neither.</returns>
    public ValueTask<KeptImage?> FindAsync(CacheKey key) =>
        memory.TryFind(key, out var found) ? new(found) : shared is null ? default : new(ReadAsync(key, shared));

    /// <summary>Looks into Redis alone, for an image that was just made elsewhere: what memory has under its key may be older.</summary>
    /// <param name="isForEverybody">It is kept in memory from now on.</param>
    public async Task<KeptImage?> FindSharedAsync(CacheKey key, bool isForEverybody)
    {
        var found = shared is null ? null : await shared.FindAsync(key);
        if (found is not null && isForEverybody)
        {
            KeepHere(key, found.Lease, found.TimeToLive, age: found.Age);
        }

        return found;
    }

    /// <summary>Looks for an image that waits for one owner. It is never in the memory of two replicas: once it is received it is to be gone.</summary>
    public ValueTask<KeptImage?> FindClaimAsync(CacheKey claim)
    {
        // First: one that is not being written any more is in one of the other two.
        if (_claiming.TryGetValue(claim, out var claiming) && !purger.Concerns(claiming.Lease.Image, claiming.Claimant) && claiming.Lease.Share() is { } own)
        {
            return new(new KeptImage(own, TimeSpan.Zero, claiming.Lifetime));
        }

        return memory.TryFind(claim, out var found) ? new(found) : shared is null ? default : new(shared.FindAsync(claim));
    }

    /// <summary>Has an image wait for one owner: in Redis; in memory where that is not to be had.</summary>
    /// <param name="lease">The caller's own, which stays the caller's.</param>
    public void Claim(ImageClaim claim, ImageLease lease, TimeSpan lifetime)
    {
        var claimant = PurgeMark.OfOwner(claim.Owner);
        if (shared is null)
        {
            KeepHere(claim.Key, lease, lifetime, claimant);
        }
        else if (lease.Share() is { } own)
        {
            var claiming = new Claiming(own, lifetime, claimant);
            _claiming[claim.Key] = claiming;
            _ = ClaimThereAsync(shared, claim.Key, claiming);
        }
    }

    /// <summary>Keeps an image in memory, in place of what the key had; it is for <see cref="ShareAsync"/> to keep it in Redis.</summary>
    /// <returns>Whether it will be found: in memory or, as far as is known before it is written, in Redis.</returns>
    public bool Keep(CacheKey key, ImageLease lease, TimeSpan lifetime) =>
        KeepHere(key, lease, lifetime) || (lifetime > TimeSpan.Zero && shared?.CanKeep(key) == true && !purger.Concerns(lease.Image, claimant: null));

    /// <summary>Keeps an image in Redis too. It is for after the answers: nobody has to wait for it.</summary>
    /// <param name="lease">The caller's own, held until this ends.</param>
    /// <returns>Whether others find it.</returns>
    public Task<bool> ShareAsync(CacheKey key, ImageLease lease, TimeSpan lifetime) =>
        shared is null || lifetime <= TimeSpan.Zero ? Task.FromResult(false) : KeepThereAsync(shared, key, lease, lifetime);

    public void Remove(CacheKey key)
    {
        if (_claiming.TryGetValue(key, out var claiming))
        {
            // Before it is taken away: whoever writes it looks afterwards.
            claiming.IsReceived = true;
            _claiming.TryRemove(new KeyValuePair<CacheKey, Claiming>(key, claiming));
        }

        memory.Remove(key);
        if (shared is not null)
        {
            _ = shared.RemoveAsync(key);
        }
    }

    /// <summary>Of an image whose generation is opened now.</summary>
    public ImageOrigin OriginOf(Owner opener, string requestId) => purger.OriginOf(opener, requestId);

    /// <summary>Removes from Redis all that were purged.</summary>
    /// <returns>How many; null where there is no Redis.</returns>
    /// <exception cref="RedisFailedException">Some may be left, which nobody finds who knows of the purge.</exception>
    public async Task<int?> RemovePurgedAsync() => shared is null ? null : await shared.RemovePurgedAsync();

    private async Task ClaimThereAsync(SharedImages images, CacheKey key, Claiming claiming)
    {
        using var own = claiming.Lease;
        if (!await KeepThereAsync(images, key, own, claiming.Lifetime, claiming.Claimant) && !claiming.IsReceived)
        {
            KeepHere(key, own, claiming.Lifetime, claiming.Claimant);
        }

        _claiming.TryRemove(new KeyValuePair<CacheKey, Claiming>(key, claiming));
        if (claiming.IsReceived)
        {
            memory.Remove(key);
            await images.RemoveAsync(key);
        }
    }

    private bool KeepHere(CacheKey key, ImageLease lease, TimeSpan lifetime, PurgeMark? claimant = null, TimeSpan age = default)
    {
        if (!memory.Keep(key, lease, lifetime, claimant, age))
        {
            return false;
        }

        // Afterwards: a purge that comes meanwhile finds the image, or is found.
        if (!purger.Concerns(lease.Image, claimant))
        {
            return true;
        }

        memory.Remove(key);
        return false;
    }

    private async Task<bool> KeepThereAsync(SharedImages images, CacheKey key, ImageLease lease, TimeSpan lifetime, PurgeMark? claimant = null)
    {
        if (purger.Concerns(lease.Image, claimant) || !await images.KeepAsync(key, lease, lifetime, claimant))
        {
            return false;
        }

        // Afterwards here too: a purge that is not known here yet may have looked through Redis before.
        await purger.TryCatchUpAsync();
        if (!purger.Concerns(lease.Image, claimant))
        {
            return true;
        }

        await images.RemoveAsync(key);
        return false;
    }

    private async Task<KeptImage?> ReadAsync(CacheKey key, SharedImages images)
    {
        TaskCompletionSource<KeptImage?> reading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = _reading.GetOrAdd(key, reading.Task);
        if (first != reading.Task)
        {
            return await first is not { } read ? null
                : read.Lease.Share() is { } own ? read with { Lease = own }
                : memory.TryFind(key, out var again) ? again
                : await ReadAsync(key, images);
        }

        KeptImage? found = null;
        try
        {
            found = await images.FindAsync(key);
            if (found is not null)
            {
                KeepHere(key, found.Lease, found.TimeToLive, age: found.Age);
            }
        }
        finally
        {
            _reading.TryRemove(key, out _);
            reading.SetResult(found);
        }

        return found;
    }

    /// <param name="lease">Held until it is written.</param>
    private sealed class Claiming(ImageLease lease, TimeSpan lifetime, PurgeMark claimant)
    {
        private volatile bool _isReceived;

        public ImageLease Lease => lease;

        public TimeSpan Lifetime => lifetime;

        public PurgeMark Claimant => claimant;

        /// <summary>Its owner has it: it waits no longer.</summary>
        public bool IsReceived
        {
            get => _isReceived;
            set => _isReceived = value;
        }
    }
}
