using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Images that are kept: in this process' memory and, where there is a Redis, there for all replicas.</summary>
/// <param name="shared">Null: each replica keeps its own.</param>
internal sealed class KeptImages(ImageCache memory, SharedImages? shared)
{
    private readonly ConcurrentDictionary<CacheKey, Task<KeptImage?>> _reading = [];

    /// <summary>Looks into memory alone.</summary>
    public bool TryFind(CacheKey key, [NotNullWhen(true)] out KeptImage? found) => memory.TryFind(key, out found);

    /// <summary>Looks into memory, then into Redis. However many look for one image at once, it is read from there once.</summary>
    /// <returns>The image with a lease of the caller's own; null where it is in neither.</returns>
    public ValueTask<KeptImage?> FindAsync(CacheKey key) =>
        memory.TryFind(key, out var found) ? new(found) : shared is null ? default : new(ReadAsync(key, shared));

    /// <summary>Keeps an image in memory, in place of what the key had.</summary>
    /// <returns>Whether it was kept there.</returns>
    public bool Keep(CacheKey key, ImageLease lease, TimeSpan lifetime) => memory.Keep(key, lease, lifetime);

    /// <summary>Keeps an image in Redis too. It is for after the answers: nobody has to wait for it.</summary>
    /// <param name="lease">The caller's own, held until this ends.</param>
    public Task ShareAsync(CacheKey key, ImageLease lease, TimeSpan lifetime) =>
        shared is null || lifetime <= TimeSpan.Zero ? Task.CompletedTask : shared.KeepAsync(key, lease, lifetime);

    /// <summary>The same without anybody to wait for it.</summary>
    public void ShareLater(CacheKey key, ImageLease lease, TimeSpan lifetime)
    {
        if (shared is not null && lease.Share() is { } own)
        {
            _ = ShareAndEndAsync(own);
        }

        async Task ShareAndEndAsync(ImageLease own)
        {
            using (own)
            {
                await ShareAsync(key, own, lifetime);
            }
        }
    }

    public void Remove(CacheKey key)
    {
        memory.Remove(key);
        if (shared is not null)
        {
            _ = shared.RemoveAsync(key);
        }
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
                memory.Keep(key, found.Lease, found.TimeToLive);
            }
        }
        finally
        {
            _reading.TryRemove(key, out _);
            reading.SetResult(found);
        }

        return found;
    }
}
