using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>Writes a painting as a PNG of nearly a given size.</summary>
/// <remarks>
/// A painting compresses to little, so the lower rows give way to noise until about the size is reached; a comment fills up the rest.
/// A large file cannot be had from one byte a pixel, so it gets three.
/// </remarks>
internal static class PngWriter
{
    private const byte Indexed = 3;
    private const byte TrueColour = 2;

    /// <summary>What the noise leaves to picture and comment: some, and more for many pixels, which compress to a two-hundredth or less.</summary>
    private const int Slack = 8 * 1024;
    private const int LeastCompression = 200;

    private const int ChunkFrame = 12;
    private const int LargestIndexedShare = 4;

    /// <summary>Rows are runs or noise, so looking for anything but runs would only take time.</summary>
    private static readonly ZLibCompressionOptions RunsOnly = new() { CompressionStrategy = ZLibCompressionStrategy.RunLengthEncoding };

    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <param name="painting">What to draw.</param>
    /// <param name="key">Goes into the comment, so that pictures which look alike differ; and makes the noise.</param>
    /// <param name="bytes">The size to aim at; a painting that needs more gets it.</param>
    public static byte[] Write(Painting painting, byte[] key, int bytes)
    {
        var indexed = bytes < painting.Width * painting.Height / LargestIndexedShare;
        using var file = new MemoryStream(bytes + Slack);
        file.Write(Signature);
        WriteChunk(file, "IHDR", Header(painting, indexed ? Indexed : TrueColour));
        if (indexed)
        {
            WriteChunk(file, "PLTE", MemoryMarshal.AsBytes(painting.Palette.Colours));
        }

        var raw = painting.Width * painting.Height * (indexed ? 1 : 3);
        var pixels = Compress(painting, new Noise(key), Math.Max(0, bytes - Slack - (raw / LeastCompression)), indexed);
        var comment = Math.Max(0, bytes - (int)file.Length - pixels.Length - (3 * ChunkFrame));
        WriteChunk(file, "tEXt", Encoding.ASCII.GetBytes($"Comment\0{Convert.ToHexStringLower(key)}".PadRight(comment, '.')));
        WriteChunk(file, "IDAT", pixels);
        WriteChunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>13 bytes: sides, depth of 8, colour type, and the only methods there are.</summary>
    private static byte[] Header(Painting painting, byte colourType)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, painting.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), painting.Height);
        header[8] = 8;
        header[9] = colourType;
        return header;
    }

    private static byte[] Compress(Painting painting, Noise noise, int noiseBytes, bool indexed)
    {
        var rows = new PngRows(painting, noise, indexed);
        var firstNoisy = painting.Height - Math.Min(painting.Height, noiseBytes / rows.Length);

        using var compressed = new MemoryStream(noiseBytes + Slack);
        using (var zlib = new ZLibStream(compressed, RunsOnly, leaveOpen: true))
        {
            for (var y = 0; y < painting.Height; y++)
            {
                zlib.Write(y < firstNoisy ? rows.Draw(y) : rows.Noise());
            }
        }

        return compressed.ToArray();
    }

    private static void WriteChunk(MemoryStream file, string type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);

        var start = (int)file.Length;
        file.Write(Encoding.ASCII.GetBytes(type));
        file.Write(data);

        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Of(file.GetBuffer().AsSpan(start, data.Length + 4)));
        file.Write(number);
    }
}
