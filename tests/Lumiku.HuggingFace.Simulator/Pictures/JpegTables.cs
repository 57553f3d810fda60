namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>The fixed parts of the JPEGs written here, marker by marker.</summary>
internal static class JpegTables
{
    /// <summary>The only code of its table, so one bit long.</summary>
    public const uint EndOfBlock = 0;

    public const int EndOfBlockBits = 1;

    /// <summary>SOI; APP0 "JFIF" 1.1; DQT, in which 8 makes a block's level its mean.</summary>
    public static byte[] Start { get; } =
    [
        0xFF, 0xD8,
        0xFF, 0xE0, 0, 16, (byte)'J', (byte)'F', (byte)'I', (byte)'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0,
        0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)8, 64),
    ];

    /// <summary>DHT: the standard's table for levels 0 to 11, and one for the rest that knows "end of block" alone.</summary>
    public static byte[] HuffmanCodes { get; } =
    [
        0xFF, 0xC4, 0, 31, 0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
        0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>SOS: three components, all by those two tables.</summary>
    public static byte[] ScanStart { get; } = [0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0];

    public static byte[] End { get; } = [0xFF, 0xD9];

    /// <summary>COM.</summary>
    public static byte[] Comment(byte[] data) => [0xFF, 0xFE, 0, (byte)(data.Length + 2), .. data];

    /// <summary>SOF0: three components at full resolution.</summary>
    public static byte[] Frame(int width, int height) =>
    [
        0xFF, 0xC0, 0, 17, 8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width,
        3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0,
    ];

    /// <param name="size">How many bits the level has, 0 to 11.</param>
    public static (uint Code, int Length) LevelCode(int size) => size switch
    {
        0 => (0b00, 2),
        <= 5 => (0b010u + (uint)size - 1, 3),
        _ => ((1u << (size - 2)) - 2, size - 2),
    };
}
