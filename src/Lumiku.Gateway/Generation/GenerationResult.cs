using System.Buffers;

namespace Lumiku.Gateway.Generation;

/// <summary>A whole image, checked.</summary>
/// <param name="MediaType">By its bytes.</param>
/// <param name="ETag">Strong, over the bytes: the same picture has the same one wherever it comes from.</param>
/// <param name="UpstreamHeaders">Those of upstream's that callers are shown.</param>
internal sealed record GeneratedImage(
    ReadOnlySequence<byte> Content, string MediaType, int Width, int Height, string ETag, IReadOnlyList<KeyValuePair<string, string>> UpstreamHeaders);

/// <summary>How a generation ended: with an image or with a failure.</summary>
/// <param name="UpstreamTime">What its attempts took.</param>
internal sealed record GenerationResult(GeneratedImage? Image, UpstreamFailure? Failure, TimeSpan UpstreamTime);
