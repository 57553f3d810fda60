using System.Buffers.Binary;

namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>Ways to spoil a PNG that was fine.</summary>
internal static class PngDamage
{
    private const int SignatureBytes = 8;
    private const int HeaderType = 12;
    private const int HeaderData = 16;
    private const int HeaderCrc = 29;
    private const int EndChunkBytes = 12;

    public static byte[] WithoutEnd(byte[] png) => png[..^EndChunkBytes];

    /// <summary>A colour type that does not exist, under a checksum that does not match.</summary>
    public static byte[] WithBadHeader(byte[] png)
    {
        var bad = (byte[])png.Clone();
        bad[HeaderData + 9] = 0x2A;
        return bad;
    }

    /// <summary>The bytes that say "PNG" are gone; the rest is as before.</summary>
    public static byte[] WithBadSignature(byte[] png)
    {
        var bad = (byte[])png.Clone();
        bad.AsSpan(0, SignatureBytes).Fill((byte)'?');
        return bad;
    }

    /// <summary>Claims other sides, under a right checksum.</summary>
    public static byte[] WithSides(byte[] png, int width, int height)
    {
        var bad = (byte[])png.Clone();
        BinaryPrimitives.WriteInt32BigEndian(bad.AsSpan(HeaderData), width);
        BinaryPrimitives.WriteInt32BigEndian(bad.AsSpan(HeaderData + 4), height);
        BinaryPrimitives.WriteUInt32BigEndian(bad.AsSpan(HeaderCrc), Crc32.Of(bad.AsSpan(HeaderType, HeaderCrc - HeaderType)));
        return bad;
    }

    /// <summary>One bit of the pixels is wrong, so their checksum is.</summary>
    public static byte[] WithFlippedBit(byte[] png)
    {
        var bad = (byte[])png.Clone();
        bad[^(EndChunkBytes + 64)] ^= 1;
        return bad;
    }

    public static byte[] WithTrailingBytes(byte[] png) => [.. png, .. "<script>not a picture any more</script>"u8];
}
