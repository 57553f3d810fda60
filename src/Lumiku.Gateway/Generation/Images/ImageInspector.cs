using System.Buffers;

namespace Lumiku.Gateway.Generation.Images;

/// <summary>What an answer's bytes are.</summary>
/// <param name="MediaType">By the bytes, whatever the label said; null where they are no whole image.</param>
/// <param name="Flaw">Why they are none, as the rest of a sentence that begins with “the answer”; null where they are.</param>
internal readonly record struct ImageFacts(string? MediaType, int Width, int Height, string? Flaw)
{
    public static ImageFacts Whole(string mediaType, int width, int height) =>
        width <= 0 || height <= 0 ? Broken($"is an image of {width} × {height} pixels")
        : (long)width * height > ImageInspector.MaximumPixels ? Broken($"is an image of {width} × {height} pixels, more than any model makes")
        : new(mediaType, width, height, Flaw: null);

    public static ImageFacts Broken(string flaw) => new(MediaType: null, 0, 0, flaw);
}

/// <summary>Tells a whole PNG, JPEG or WebP from everything else by walking its structure to the end marker; nothing is decoded.</summary>
/// <remarks>
/// An answer that ends with its connection looks complete to every HTTP client, so length alone proves nothing. Bytes behind the end
/// marker are let through: viewers ignore them, and the picture is paid for.
/// </remarks>
internal static class ImageInspector
{
    /// <summary>A header may promise any size; 128 megapixels is four times what upscalers make.</summary>
    public const long MaximumPixels = 128L * 1024 * 1024;

    public static ImageFacts Inspect(ReadOnlySequence<byte> content)
    {
        if (content.IsEmpty)
        {
            return ImageFacts.Broken("is empty");
        }

        var reader = new SequenceReader<byte>(content);
        return reader.IsNext(PngStructure.Signature) ? PngStructure.Inspect(ref reader)
            : reader.IsNext([0xFF, 0xD8]) ? JpegStructure.Inspect(ref reader)
            : reader.IsNext("RIFF"u8) ? WebPStructure.Inspect(ref reader)
            : ImageFacts.Broken("is no PNG, JPEG or WebP");
    }

    public static ImageFacts CutOff(string format) => ImageFacts.Broken($"is a {format} that is cut off");
}
