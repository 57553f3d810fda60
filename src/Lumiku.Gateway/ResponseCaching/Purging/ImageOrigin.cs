namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary>How an image came about, as far as a purge has to know.</summary>
/// <param name="Owner">Of who opened its generation.</param>
/// <param name="Request">Of the request that opened it.</param>
/// <param name="LastPurge">The last purge that had been done here when it was opened: those with a higher number concern it.</param>
internal sealed record ImageOrigin(PurgeMark Owner, PurgeMark Request, long LastPurge)
{
    /// <summary>Of an image that another release wrote: found by its model and <c>ETag</c> alone, and older than every purge.</summary>
    public static readonly ImageOrigin Unknown = new(new PurgeMark(""), new PurgeMark(""), LastPurge: 0);
}
