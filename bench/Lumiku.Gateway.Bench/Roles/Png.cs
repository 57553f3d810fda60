using System.Buffers.Binary;

namespace Lumiku.Gateway.Bench.Roles;

/// <summary>A PNG of a wanted size: every chunk and checksum is right, the pixels are noise.</summary>
internal static class Png
{
    private const int ChunkOverhead = 12;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>64 by 64, 8 bits, RGB.</summary>
    private static ReadOnlySpan<byte> Header => [0, 0, 0, 64, 0, 0, 0, 64, 8, 2, 0, 0, 0];

    /// <param name="length">Of the whole file, 58 or more.</param>
    public static byte[] OfLength(int length)
    {
        var pixels = new byte[length - Signature.Length - Header.Length - (3 * ChunkOverhead)];
        var noise = 1u;
        foreach (ref var pixel in pixels.AsSpan())
        {
            noise = (noise * 1_664_525) + 1_013_904_223;
            pixel = (byte)(noise >> 24);
        }

        var png = new byte[length];
        Signature.CopyTo(png);
        var rest = WriteChunk(png.AsSpan(Signature.Length), "IHDR"u8, Header);
        rest = WriteChunk(rest, "IDAT"u8, pixels);
        WriteChunk(rest, "IEND"u8, []);
        return png;
    }

    /// <returns>What is left behind the chunk.</returns>
    private static Span<byte> WriteChunk(Span<byte> target, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        BinaryPrimitives.WriteInt32BigEndian(target, data.Length);
        type.CopyTo(target[4..]);
        data.CopyTo(target[8..]);
        BinaryPrimitives.WriteUInt32BigEndian(target[(8 + data.Length)..], Checksum(target[4..(8 + data.Length)]));
        return target[(ChunkOverhead + data.Length)..];
    }

    /// <summary>CRC-32, bit by bit: done once, at the start.</summary>
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        foreach (var value in bytes)
        {
            sum ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                sum = (sum & 1) == 0 ? sum >> 1 : 0xEDB88320 ^ (sum >> 1);
            }
        }

        return ~sum;
    }
}
