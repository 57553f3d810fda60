using System.Runtime.InteropServices;

namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>The checksum of PNG's chunks.</summary>
internal static class Crc32
{
    /// <summary>How many bytes are taken in one step.</summary>
    private const int Step = 8;

    /// <summary>Row n: the sum of one byte that n others follow.</summary>
    private static readonly uint[][] Tables = CreateTables();

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var tables = Tables;
        var sum = uint.MaxValue;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            var mixed = word ^ sum;
            sum = tables[7][(byte)mixed] ^ tables[6][(byte)(mixed >> 8)] ^ tables[5][(byte)(mixed >> 16)] ^ tables[4][(byte)(mixed >> 24)]
                ^ tables[3][(byte)(mixed >> 32)] ^ tables[2][(byte)(mixed >> 40)] ^ tables[1][(byte)(mixed >> 48)] ^ tables[0][mixed >> 56];
        }

        foreach (var value in bytes[(bytes.Length / Step * Step)..])
        {
            sum = tables[0][(byte)(sum ^ value)] ^ (sum >> 8);
        }

        return ~sum;
    }

    private static uint[][] CreateTables()
    {
        var tables = new uint[Step][];
        tables[0] = [.. Enumerable.Range(0, 256).Select(Entry)];
        for (var row = 1; row < Step; row++)
        {
            var previous = tables[row - 1];
            tables[row] = [.. previous.Select(sum => tables[0][(byte)sum] ^ (sum >> 8))];
        }

        return tables;
    }

    private static uint Entry(int index)
    {
        var entry = (uint)index;
        for (var bit = 0; bit < 8; bit++)
        {
            entry = (entry & 1) == 0 ? entry >> 1 : 0xEDB88320 ^ (entry >> 1);
        }

        return entry;
    }
}
