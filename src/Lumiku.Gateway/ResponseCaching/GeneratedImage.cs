using System.Buffers;
using Lumiku.Gateway.ResponseCaching.Purging;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>A whole image, checked. Never changed: callers and caches read the same pieces at the same time, each under an <see cref="ImageLease"/>.</summary>
/// <param name="Model">The id of the model that made it.</param>
/// <param name="MediaType">By its bytes.</param>
/// <param name="ETag">Strong, over the bytes: the same picture has the same one wherever it comes from.</param>
/// <param name="UpstreamHeaders">Those of upstream's that callers are shown.</param>
/// <param name="HeldBytes">What its pieces take in memory; a little more than its length.</param>
internal sealed record GeneratedImage(
    string Model,
    ReadOnlySequence<byte> Content,
    string MediaType,
    int Width,
    int Height,
    string ETag,
    IReadOnlyList<KeyValuePair<string, string>> UpstreamHeaders,
    long HeldBytes)
{
    /// <summary>The name of the upstream that made it; null where another release wrote it down.</summary>
    public string? Upstream { get; init; }

    /// <summary>Whose it is, for purges.</summary>
    public ImageOrigin Origin { get; init; } = ImageOrigin.Unknown;
}
