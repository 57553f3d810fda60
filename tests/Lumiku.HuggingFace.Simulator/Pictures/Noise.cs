using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>Bytes that do not compress, the same ones for the same key.</summary>
internal sealed class Noise(byte[] key)
{
    /// <summary>Odd, since xorshift stays at zero for ever.</summary>
    private ulong _state = Seed(key) | 1;

    public void Fill(Span<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = Next();
        }

        for (var i = words.Length * sizeof(ulong); i < bytes.Length; i++)
        {
            bytes[i] = (byte)(Next() >> 32);
        }
    }

    private static ulong Seed(byte[] key) => key.Length >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(key) : 0;

    private ulong Next()
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return _state * 0x2545F4914F6CDD1D;
    }
}
