using System.Buffers;
using System.Buffers.Binary;
using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.Generation.Images;

/// <summary>WebP: a RIFF container that says its own length, with VP8, VP8L or animation frames in it (RFC 9649).</summary>
internal static class WebPStructure
{
    public static ImageFacts Inspect(ref SequenceReader<byte> reader)
    {
        Span<byte> riff = stackalloc byte[12];
        if (!reader.TryCopyTo(riff))
        {
            return ImageInspector.CutOff("WebP");
        }

        if (!riff[8..].SequenceEqual("WEBP"u8))
        {
            return ImageFacts.Broken("is a RIFF file but no WebP");
        }

        // The length counts from behind itself.
        long rest = BinaryPrimitives.ReadUInt32LittleEndian(riff[4..]) - 4L;
        reader.Advance(riff.Length);
        return reader.Remaining < rest ? ImageInspector.CutOff("WebP") : InspectChunks(ref reader, rest);
    }

    private static ImageFacts InspectChunks(ref SequenceReader<byte> reader, long rest)
    {
        Span<byte> header = stackalloc byte[8];
        Span<byte> start = stackalloc byte[10];
        var (width, height) = (0, 0);
        var hasPicture = false;
        while (rest >= 8 && reader.TryCopyTo(header))
        {
            reader.Advance(8);
            rest -= 8;
            long length = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
            if (length > rest)
            {
                return ImageInspector.CutOff("WebP");
            }

            var type = header[..4];
            start.Clear();
            reader.UnreadSequence.Slice(0, Math.Min(start.Length, length)).CopyTo(start);
            hasPicture |= type.SequenceEqual("VP8 "u8) || type.SequenceEqual("VP8L"u8) || type.SequenceEqual("ANMF"u8);
            if (width == 0)
            {
                (width, height) = SizeIn(type, start);
            }

            // Chunks are padded to an even length; a writer may forget the last pad.
            var padded = Math.Min(length + (length & 1), rest);
            reader.Advance(padded);
            rest -= padded;
        }

        return hasPicture ? ImageFacts.Whole(ImageMediaType.WebP, width, height) : ImageFacts.Broken("is a WebP without a picture");
    }

    private static (int Width, int Height) SizeIn(ReadOnlySpan<byte> type, ReadOnlySpan<byte> start)
    {
        if (type.SequenceEqual("VP8X"u8))
        {
            // Four bytes of flags, then both sizes less one in 24 bits.
            return (1 + (start[4] | start[5] << 8 | start[6] << 16), 1 + (start[7] | start[8] << 8 | start[9] << 16));
        }

        if (type.SequenceEqual("VP8 "u8))
        {
            // A frame tag of three bytes, the start code of three, then both sizes in 14 bits.
            return (BinaryPrimitives.ReadUInt16LittleEndian(start[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) & 0x3FFF);
        }

        if (type.SequenceEqual("VP8L"u8))
        {
            // A signature byte, then both sizes less one in 14 bits.
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(start[1..]);
            return (1 + (int)(bits & 0x3FFF), 1 + (int)(bits >> 14 & 0x3FFF));
        }

        return (0, 0);
    }
}
