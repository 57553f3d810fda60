using System.Buffers;
using System.Buffers.Binary;
using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.Generation.Images;

/// <summary>JPEG: segments behind markers, one or more scans of coded data, and EOI (ITU-T T.81, annex B).</summary>
internal static class JpegStructure
{
    private const byte StartOfScan = 0xDA;
    private const byte EndOfImage = 0xD9;

    public static ImageFacts Inspect(ref SequenceReader<byte> reader)
    {
        reader.Advance(2);
        var (width, height, scans) = (0, 0, 0);
        while (TryReadMarker(ref reader, out var marker))
        {
            if (marker == EndOfImage)
            {
                return scans > 0 ? ImageFacts.Whole(ImageMediaType.Jpeg, width, height) : ImageFacts.Broken("is a JPEG without a picture");
            }

            if (HasNoLength(marker))
            {
                continue;
            }

            if (!reader.TryReadBigEndian(out short lengthBits) || (ushort)lengthBits is var length && (length < 2 || reader.Remaining < length - 2))
            {
                return ImageInspector.CutOff("JPEG");
            }

            if (IsFrame(marker) && !TryReadSize(reader, out width, out height))
            {
                return ImageInspector.CutOff("JPEG");
            }

            reader.Advance(length - 2);
            if (marker == StartOfScan)
            {
                scans++;
                SkipScan(ref reader);
            }
        }

        return ImageInspector.CutOff("JPEG");
    }

    /// <summary>SOF0 to SOF15 without DHT, JPG and DAC, which lie among them.</summary>
    private static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not 0xC4 and not 0xC8 and not 0xCC;

    /// <summary>TEM, the restart markers and a second SOI stand alone.</summary>
    private static bool HasNoLength(byte marker) => marker is 0x01 or (>= 0xD0 and <= 0xD8);

    /// <summary>A marker may be preceded by any number of fill bytes 0xFF.</summary>
    private static bool TryReadMarker(ref SequenceReader<byte> reader, out byte marker)
    {
        marker = 0;
        if (!reader.TryRead(out var first) || first != 0xFF)
        {
            return false;
        }

        do
        {
            if (!reader.TryRead(out marker))
            {
                return false;
            }
        }
        while (marker == 0xFF);
        return marker != 0;
    }

    /// <summary>Behind the length: one byte of precision, then height and width.</summary>
    private static bool TryReadSize(SequenceReader<byte> reader, out int width, out int height)
    {
        (width, height) = (0, 0);
        Span<byte> frame = stackalloc byte[5];
        if (!reader.TryCopyTo(frame))
        {
            return false;
        }

        height = BinaryPrimitives.ReadUInt16BigEndian(frame[1..]);
        width = BinaryPrimitives.ReadUInt16BigEndian(frame[3..]);
        return true;
    }

    /// <summary>Stops before the marker that ends the coded data: there, 0xFF00 is a stuffed byte and 0xFFD0 to 0xFFD7 are restarts.</summary>
    private static void SkipScan(ref SequenceReader<byte> reader)
    {
        while (reader.TryAdvanceTo(0xFF, advancePastDelimiter: false))
        {
            if (!reader.TryPeek(1, out var next) || !(next is 0x00 or (>= 0xD0 and <= 0xD7)))
            {
                return;
            }

            reader.Advance(2);
        }

        reader.AdvanceToEnd();
    }
}
