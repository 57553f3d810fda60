using System.Buffers.Binary;

namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>Writes the smallest lossless WebP: one colour, whatever its sides, then a chunk that readers skip.</summary>
internal static class WebpWriter
{
    private const int ChunkHead = 8;

    /// <param name="colour">Of every pixel.</param>
    /// <param name="width">1 to 16,384.</param>
    /// <param name="height">1 to 16,384.</param>
    /// <param name="key">Begins the chunk, so that pictures which look alike differ.</param>
    /// <param name="bytes">The size to reach, if the picture is smaller.</param>
    public static byte[] Write(Colour colour, int width, int height, byte[] key, int bytes)
    {
        var pixels = Chunk("VP8L"u8, Lossless(colour, width, height));
        var padding = new byte[Math.Max(key.Length, bytes - pixels.Length - (2 * ChunkHead) - 4)];
        key.CopyTo(padding, 0);
        return Chunk("RIFF"u8, [.. "WEBP"u8, .. pixels, .. Chunk("PADD"u8, padding)]);
    }

    /// <summary>Chunks are of even length; the byte added is not counted in the head.</summary>
    private static byte[] Chunk(ReadOnlySpan<byte> type, byte[] data)
    {
        var chunk = new byte[ChunkHead + data.Length + (data.Length & 1)];
        type.CopyTo(chunk);
        BinaryPrimitives.WriteInt32LittleEndian(chunk.AsSpan(4), data.Length);
        data.CopyTo(chunk, ChunkHead);
        return chunk;
    }

    /// <summary>Five prefix codes of one symbol each: a pixel then takes no bits at all.</summary>
    private static byte[] Lossless(Colour colour, int width, int height)
    {
        var bits = new LittleEndianBits();
        bits.Write(0x2F, 8);
        bits.Write((uint)width - 1, 14);
        bits.Write((uint)height - 1, 14);
        bits.Write(0, 1); // No alpha.
        bits.Write(0, 3); // Version.
        bits.Write(0, 3); // No transform, no colour cache, no groups of codes.
        foreach (var symbol in (ReadOnlySpan<byte>)[colour.Green, colour.Red, colour.Blue, 255, 0])
        {
            bits.Write(0b101, 3); // Simple code, one symbol, of eight bits.
            bits.Write(symbol, 8);
        }

        return bits.ToBytes();
    }

    /// <summary>Lowest bit first.</summary>
    private sealed class LittleEndianBits
    {
        private readonly List<byte> _bytes = [];
        private int _count;

        public void Write(uint value, int length)
        {
            for (var bit = 0; bit < length; bit++, _count++)
            {
                if (_count % 8 == 0)
                {
                    _bytes.Add(0);
                }

                _bytes[^1] |= (byte)(((value >> bit) & 1) << (_count % 8));
            }
        }

        public byte[] ToBytes() => [.. _bytes];
    }
}
