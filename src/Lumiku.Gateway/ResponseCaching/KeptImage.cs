namespace Lumiku.Gateway.ResponseCaching;

/// <summary>An image that was kept.</summary>
/// <param name="Lease">The finder's own; to be disposed once it has been read.</param>
/// <param name="Age">Since it was kept.</param>
/// <param name="TimeToLive">Until it is kept no longer.</param>
internal sealed record KeptImage(ImageLease Lease, TimeSpan Age, TimeSpan TimeToLive);
