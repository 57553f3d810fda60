using System.Collections.Concurrent;

namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary>The purges that this replica knows of. An image is not to be kept if its generation was opened before one that names it.</summary>
internal sealed class PurgeList
{
    private readonly ConcurrentDictionary<PurgeMark, long> _numbers = [];
    private long _last;

    /// <summary>The number of the last one that has been done here; 0 where there was none.</summary>
    public long Last => Volatile.Read(ref _last);

    public void Add(Purge purge) => _numbers.AddOrUpdate(
        purge.Mark, static (_, number) => number, static (_, before, number) => Math.Max(before, number), purge.Number);

    /// <summary>Whether this mark was purged after that number.</summary>
    public bool IsPurged(PurgeMark mark, long after) => _numbers.TryGetValue(mark, out var number) && number > after;

    /// <summary>It has been done here.</summary>
    public void Finish(Purge purge) => Volatile.Write(ref _last, Math.Max(Last, purge.Number));

    /// <param name="claimant">For whom alone it waits; null: for nobody in particular.</param>
    public bool Concerns(GeneratedImage image, PurgeMark? claimant) => Concerns(image.Model, image.ETag, image.Origin, claimant);

    /// <inheritdoc cref="Concerns(GeneratedImage, PurgeMark?)"/>
    public bool Concerns(string model, string etag, ImageOrigin origin, PurgeMark? claimant) =>
        !_numbers.IsEmpty
        && (IsPurged(PurgeMark.OfModel(model), origin.LastPurge)
            || IsPurged(PurgeMark.OfETag(etag), origin.LastPurge)
            || IsPurged(origin.Owner, origin.LastPurge)
            || IsPurged(origin.Request, origin.LastPurge)
            || (claimant is { } owner && IsPurged(owner, origin.LastPurge)));
}
