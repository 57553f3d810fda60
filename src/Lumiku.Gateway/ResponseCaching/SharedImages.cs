using System.Buffers;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching.Purging;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Images in Redis, for all replicas: in pieces of at most 64 kB, with a manifest that says what they must add up to.</summary>
/// <remarks>
/// The pieces have names of their own for each writing, and the manifest is written last, so no reader sees half an image or a mixture
/// of two. What does not add up is deleted, and was never there. Redis is an aid: whatever goes wrong, an image is not found, or not kept.
/// </remarks>
internal sealed partial class SharedImages(RedisConnection redis, RedisOptions options, PurgeList purges, ImagesRoom room, ILogger<SharedImages> logger)
{
    /// <summary>Once its manifest is there, reading an image is worth some more waiting: making it takes seconds.</summary>
    private static readonly TimeSpan PieceBudget = TimeSpan.FromSeconds(1);

    /// <summary>Nobody waits for a writing.</summary>
    private static readonly TimeSpan WriteBudget = TimeSpan.FromSeconds(5);

    /// <summary>Pieces outlive their manifest by this, so that who has read the one finds the other.</summary>
    private static readonly TimeSpan PieceGrace = TimeSpan.FromMinutes(1);

    private readonly string _channel = $"{options.KeyPrefix}:images:1";

    /// <summary>An image can be kept there, as far as is known without asking; where there was no room, somebody looks anew.</summary>
    public bool CanKeep(CacheKey key)
    {
        if (!redis.IsUp)
        {
            return false;
        }

        if (!room.HadRoom)
        {
            _ = LookForRoomAsync(key);
        }

        return room.HadRoom;
    }

    /// <summary>Hears, as long as there is a connection, of images that a replica has kept for everybody: the key and the <c>ETag</c>. One's own are among them.</summary>
    /// <param name="heard">Must not wait for anything.</param>
    public void Listen(Action<CacheKey, string> heard) => redis.Listen(_channel, message =>
    {
        if (message.Split(' ', 2) is [var name, var etag] && CacheKey.TryParse(name, out var key))
        {
            heard(key, etag);
        }
    });

    /// <returns>The image with a lease of its own; null where there is none, or none that is whole.</returns>
    public async Task<KeptImage?> FindAsync(CacheKey key)
    {
        try
        {
            var (bytes, expiry) = await redis.GetWithExpiryAsync(ManifestOf(key), options.CallTimeout);
            if (bytes is null)
            {
                return null;
            }

            if (ImageManifest.Parse(bytes) is not { } manifest || expiry is not { } left)
            {
                await ForgetAsync(key);
                return null;
            }

            if (manifest.IsPurged(purges))
            {
                await DeleteAsync(key, manifest);
                return null;
            }

            if (await ReadAsync(key, manifest) is { } lease)
            {
                // By Redis's clock alone: those of replicas may differ.
                return new KeptImage(lease, left < manifest.Lifetime ? manifest.Lifetime - left : TimeSpan.Zero, left);
            }

            // Unless it was written anew, or removed, while it was read.
            if (await redis.GetAsync(ManifestOf(key), options.CallTimeout) is { } still && still.AsSpan().SequenceEqual(bytes))
            {
                Log.Damaged(logger, manifest.Length);
                await DeleteAsync(key, manifest);
            }
        }
        catch (RedisUnavailableException)
        {
            // A miss.
        }
        catch (RedisScriptException)
        {
            // Something else lies where it should be.
            await ForgetAsync(key);
        }

        return null;
    }

    /// <param name="lease">The caller's own, held until this ends.</param>
    /// <param name="lifetime">Above 0.</param>
    /// <param name="claimant">For whom alone it waits; null: for nobody in particular.</param>
    /// <returns>Whether others find it from now on.</returns>
    public async Task<bool> KeepAsync(CacheKey key, ImageLease lease, TimeSpan lifetime, PurgeMark? claimant = null)
    {
        var image = lease.Image;
        var manifest = new ImageManifest(
            $"{Guid.NewGuid():N}", image.Content.Length, image.ETag, image.MediaType, image.Width, image.Height, image.Model, lifetime, [.. image.UpstreamHeaders], image.Origin, claimant)
        { Upstream = image.Upstream };
        try
        {
            if (!await room.HasAsync(ManifestOf(key)))
            {
                return false;
            }

            var before = await redis.GetAsync(ManifestOf(key), WriteBudget);
            var rest = image.Content;
            foreach (var piece in manifest.PieceKeys(PieceOf(key)))
            {
                var size = Math.Min(ImageManifest.PieceSize, rest.Length);
                await redis.SetAsync(piece, rest.Slice(0, size).ToArray(), lifetime + PieceGrace, WriteBudget);
                rest = rest.Slice(size);
            }

            await redis.SetAsync(ManifestOf(key), manifest.Write(), lifetime, WriteBudget);
            if (claimant is null)
            {
                await AnnounceAsync(key, image.ETag);
            }

            if (before is not null && PiecesOf(key, before) is { Length: > 0 } old)
            {
                await redis.DeleteAsync(old, WriteBudget);
            }

            return true;
        }
        catch (RedisFailedException)
        {
            Log.NotKept(logger, image.Content.Length);
            return false;
        }
    }

    public async Task RemoveAsync(CacheKey key)
    {
        try
        {
            if (await redis.GetAsync(ManifestOf(key), WriteBudget) is { } bytes)
            {
                await redis.DeleteAsync([ManifestOf(key), .. PiecesOf(key, bytes)], WriteBudget);
            }
        }
        catch (RedisFailedException)
        {
            // It expires.
        }
    }

    /// <summary>Removes all that were purged; looks at every one.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="RedisFailedException">Some may be left, which nobody finds who knows of the purge.</exception>
    public async Task<int> RemovePurgedAsync()
    {
        var removed = 0;
        await foreach (var manifests in redis.ScanAsync($"{options.KeyPrefix}:image:1:{{*}}"))
        {
            removed += (await Task.WhenAll(manifests.Distinct().Select(RemoveIfPurgedAsync))).Count(isRemoved => isRemoved);
        }

        return removed;
    }

    private async Task AnnounceAsync(CacheKey key, string etag)
    {
        try
        {
            await redis.PublishAsync(_channel, $"{key} {etag}", WriteBudget);
        }
        catch (RedisFailedException)
        {
            // Then some serve an older one until it expires.
        }
    }

    private async Task LookForRoomAsync(CacheKey key)
    {
        try
        {
            await room.HasAsync(ManifestOf(key));
        }
        catch (RedisFailedException)
        {
            // With another image.
        }
    }

    private async Task<bool> RemoveIfPurgedAsync(string manifestKey)
    {
        try
        {
            if (await redis.GetAsync(manifestKey, WriteBudget) is not { } bytes || ImageManifest.Parse(bytes) is not { } manifest || !manifest.IsPurged(purges))
            {
                return false;
            }

            await redis.DeleteAsync([manifestKey, .. manifest.PieceKeys($"{manifestKey}:")], WriteBudget);
            return true;
        }
        catch (RedisScriptException)
        {
            // Something else lies there, which is no image.
            return false;
        }
    }

    private Task DeleteAsync(CacheKey key, ImageManifest manifest) => redis.DeleteAsync([ManifestOf(key), .. manifest.PieceKeys(PieceOf(key))], WriteBudget);

    private async Task ForgetAsync(CacheKey key)
    {
        try
        {
            await redis.DeleteAsync([ManifestOf(key)], WriteBudget);
        }
        catch (RedisFailedException)
        {
            // It expires.
        }
    }

    private async Task<ImageLease?> ReadAsync(CacheKey key, ImageManifest manifest)
    {
        var buffer = new ImageBuffer((int)manifest.Length);
        ImageLease? lease = null;
        try
        {
            // All are asked for at once, and come one after the other.
            var budget = options.CallTimeout > PieceBudget ? options.CallTimeout : PieceBudget;
            var reading = manifest.PieceKeys(PieceOf(key)).Select(piece => redis.GetAsync(piece, budget)).ToList();
            var all = (Task)Task.WhenAll(reading);
            foreach (var piece in reading)
            {
                if (await piece is not { Length: <= ImageManifest.PieceSize } bytes || buffer.Length + bytes.Length > manifest.Length)
                {
                    await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    return null;
                }

                buffer.Append(bytes, (int)manifest.Length - buffer.Length);
            }

            if (buffer.Length == manifest.Length && ImageETag.Of(buffer.Content) == manifest.Checksum)
            {
                lease = new ImageLease(
                    new GeneratedImage(manifest.Model, buffer.Content, manifest.MediaType, manifest.Width, manifest.Height, manifest.Checksum, manifest.UpstreamHeaders, buffer.HeldBytes)
                    {
                        Origin = manifest.Origin ?? ImageOrigin.Unknown,
                        Upstream = manifest.Upstream,
                    },
                    buffer);
            }

            return lease;
        }
        finally
        {
            if (lease is null)
            {
                buffer.GiveBack();
            }
        }
    }

    /// <summary>The braces keep an image's keys in one slot of a cluster; the 1 is the version of what is written.</summary>
    private string ManifestOf(CacheKey key) => $"{options.KeyPrefix}:image:1:{{{key}}}";

    /// <summary>Those of a manifest as it was read; none where it is none of ours.</summary>
    private string[] PiecesOf(CacheKey key, byte[] manifest) => [.. ImageManifest.Parse(manifest)?.PieceKeys(PieceOf(key)) ?? []];

    private string PieceOf(CacheKey key) => $"{ManifestOf(key)}:";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "An image of {Bytes} bytes in Redis was not whole; it is deleted, and counts as not there")]
        public static partial void Damaged(ILogger logger, long bytes);

        [LoggerMessage(2, LogLevel.Debug, "An image of {Bytes} bytes was not kept in Redis")]
        public static partial void NotKept(ILogger logger, long bytes);
    }
}
