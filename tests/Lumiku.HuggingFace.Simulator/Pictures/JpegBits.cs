namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>The entropy-coded part of a JPEG.</summary>
internal sealed class JpegBits(Stream file)
{
    private uint _pending;
    private int _count;

    /// <summary>The block's level as the difference from the block before: how many bits it has, the bits, and the end of the block.</summary>
    public void WriteBlock(int difference)
    {
        var size = 32 - int.LeadingZeroCount(Math.Abs(difference));
        var (code, length) = JpegTables.LevelCode(size);
        Write(code, length);
        Write((uint)(difference < 0 ? difference - 1 : difference) & ((1u << size) - 1), size);
        Write(JpegTables.EndOfBlock, JpegTables.EndOfBlockBits);
    }

    /// <summary>Three blocks without a difference: all their codes are zeros.</summary>
    public void WriteSameBlocks() => Write(0, 3 * (JpegTables.LevelCode(0).Length + JpegTables.EndOfBlockBits));

    /// <summary>Fills the last byte with ones, as the format wants.</summary>
    public void Finish() => Write(0x7F, 7);

    private void Write(uint bits, int length)
    {
        _pending = (_pending << length) | bits;
        _count += length;
        while (_count >= 8)
        {
            var value = (byte)(_pending >> (_count - 8));
            file.WriteByte(value);
            if (value == 0xFF)
            {
                file.WriteByte(0); // Or it would be read as a marker.
            }

            _count -= 8;
        }
    }
}
