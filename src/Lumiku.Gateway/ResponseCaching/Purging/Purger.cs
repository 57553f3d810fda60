using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Redis;

namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary>Does purges in this replica, whichever was asked for them.</summary>
/// <remarks>
/// An image carries the last purge that had been done here when its generation was opened; every later one that names it concerns it, in
/// whatever place and however late it turns up. So whoever keeps an image looks at the list once more afterwards: a purge that came
/// meanwhile finds the image, or is found.
/// </remarks>
/// <param name="shared">Null: there is no other replica.</param>
internal sealed class Purger(ImageCache memory, PurgeList purges, AnsweredRequests answered, SharedPurges? shared) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Other replicas take part.</summary>
    public bool IsShared => shared is not null;

    /// <inheritdoc cref="PurgeList.Concerns(GeneratedImage, PurgeMark?)"/>
    public bool Concerns(GeneratedImage image, PurgeMark? claimant) => purges.Concerns(image, claimant);

    /// <summary>Of an image whose generation is opened now.</summary>
    public ImageOrigin OriginOf(Owner opener, string requestId) => new(PurgeMark.OfOwner(opener), PurgeMark.OfRequest(requestId), purges.Last);

    /// <summary>Has every replica remove images of a mark from its memory, and keep none that was begun before now.</summary>
    /// <returns>Its number, and how many this one removed if it is the only one.</returns>
    /// <exception cref="RedisFailedException">Nothing was done, as far as is known.</exception>
    public async Task<(long Number, int Removed)> BeginAsync(PurgeMark mark)
    {
        if (shared is not null)
        {
            return (await shared.AnnounceAsync(mark, root: 0, purges.Last), 0);
        }

        await _turn.WaitAsync();
        try
        {
            var number = purges.Last + 1;
            var marks = mark.IsOfRequest ? answered.ETagsOf(mark).Select(PurgeMark.OfETag).Prepend(mark) : [mark];
            return (number, marks.Sum(one => Remove(new Purge(number, number, one))));
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <returns>How many replicas have done a purge, and how many images they had in their memories. Known for a minute, where there are others.</returns>
    /// <exception cref="RedisFailedException">It is not to be learned.</exception>
    public Task<(int Replicas, int Removed)> ReportsAsync(long number) => shared!.ReportsAsync(number);

    /// <summary>Does those that were not done here yet.</summary>
    /// <exception cref="RedisFailedException">Some may not have been; they will be.</exception>
    public async Task CatchUpAsync()
    {
        if (shared is null)
        {
            return;
        }

        await _turn.WaitAsync();
        try
        {
            while (await shared.SinceAsync(purges.Last) is { Count: > 0 } news)
            {
                foreach (var (purge, isNew) in news)
                {
                    await DoAsync(shared, purge, isNew);
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The same, where it will be tried again soon anyway.</summary>
    public async Task TryCatchUpAsync()
    {
        try
        {
            await CatchUpAsync();
        }
        catch (RedisFailedException)
        {
            // With the next look.
        }
    }

    /// <summary>Does each at once when it is told of it.</summary>
    public void Listen() => shared?.Listen(() => _ = TryCatchUpAsync());

    public void Dispose() => shared?.Dispose();

    /// <remarks>Done again from the beginning if it fails on the way.</remarks>
    private async Task DoAsync(SharedPurges redis, Purge purge, bool isNew)
    {
        purges.Add(purge);
        var removed = memory.Remove(purges.Concerns);
        if (purge.Mark.IsOfRequest)
        {
            // Another replica may have the image that answered here.
            foreach (var mark in answered.ETagsOf(purge.Mark).Select(PurgeMark.OfETag).Where(mark => !purges.IsPurged(mark, after: purge.Number)))
            {
                await redis.AnnounceAsync(mark, purge.Root, purge.Number);
            }
        }

        if (isNew)
        {
            await redis.ReportAsync(purge, removed);
        }

        purges.Finish(purge);
    }

    private int Remove(Purge purge)
    {
        purges.Add(purge);
        var removed = memory.Remove(purges.Concerns);
        purges.Finish(purge);
        return removed;
    }
}
