using System.Buffers;
using System.Buffers.Binary;
using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.Generation.Images;

/// <summary>PNG: a signature, then chunks of length, type, data and checksum, from IHDR to IEND (W3C PNG specification, section 5).</summary>
internal static class PngStructure
{
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static ImageFacts Inspect(ref SequenceReader<byte> reader)
    {
        reader.Advance(Signature.Length);
        Span<byte> header = stackalloc byte[8];
        // Width and height, bit depth, colour type, and three bytes that do not matter here.
        Span<byte> first = stackalloc byte[13];
        var hasHeader = false;
        var hasData = false;
        while (reader.TryCopyTo(header))
        {
            reader.Advance(header.Length);
            var length = BinaryPrimitives.ReadUInt32BigEndian(header);
            var type = header[4..];
            if (!hasHeader)
            {
                if (!type.SequenceEqual("IHDR"u8) || length != first.Length)
                {
                    return ImageFacts.Broken("is a PNG without a header");
                }

                if (!reader.TryCopyTo(first))
                {
                    return ImageInspector.CutOff("PNG");
                }

                if (first[8] is not (1 or 2 or 4 or 8 or 16) || first[9] is not (0 or 2 or 3 or 4 or 6))
                {
                    return ImageFacts.Broken("is a PNG of a kind that does not exist");
                }

                hasHeader = true;
            }

            // The data and its checksum of four bytes.
            if (reader.Remaining < length + 4L)
            {
                return ImageInspector.CutOff("PNG");
            }

            reader.Advance(length + 4L);
            hasData |= type.SequenceEqual("IDAT"u8) && length > 0;
            if (type.SequenceEqual("IEND"u8))
            {
                return hasData
                    ? ImageFacts.Whole(ImageMediaType.Png, BinaryPrimitives.ReadInt32BigEndian(first), BinaryPrimitives.ReadInt32BigEndian(first[4..]))
                    : ImageFacts.Broken("is a PNG without a picture");
            }
        }

        return ImageInspector.CutOff("PNG");
    }
}
