using System.Numerics;
using System.Runtime.InteropServices;

namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>The rows of a PNG before compression: a filter's number, then the pixels as the filter leaves them.</summary>
internal sealed class PngRows(Painting painting, Noise noise, bool indexed)
{
    private const int ColourBytes = 3;
    private const byte FilterNone = 0;
    private const byte FilterSub = 1;

    private readonly byte[] _row = new byte[1 + (painting.Width * (indexed ? 1 : ColourBytes))];

    /// <summary>Pixels before the filter; the colour before the first counts as black.</summary>
    private readonly byte[] _colours = new byte[ColourBytes + (painting.Width * ColourBytes)];

    /// <summary>Of one row, in bytes.</summary>
    public int Length => _row.Length;

    private Span<byte> Pixels => _row.AsSpan(1);

    /// <summary>Valid until the next call of this or of <see cref="Noise"/>.</summary>
    public byte[] Draw(int y)
    {
        if (indexed)
        {
            _row[0] = FilterNone;
            painting.Draw(y, Pixels, Palette.Indexes);
        }
        else
        {
            _row[0] = FilterSub; // Three bytes over and over are no run; their differences are.
            painting.Draw(y, MemoryMarshal.Cast<byte, Colour>(_colours.AsSpan(ColourBytes)), painting.Palette.Colours);
            SubtractLeft();
        }

        return _row;
    }

    public byte[] Noise()
    {
        _row[0] = FilterNone;
        noise.Fill(Pixels);
        return _row;
    }

    private void SubtractLeft()
    {
        var i = 0;
        for (; i + Vector<byte>.Count <= Pixels.Length; i += Vector<byte>.Count)
        {
            var difference = new Vector<byte>(_colours, i + ColourBytes) - new Vector<byte>(_colours, i);
            difference.CopyTo(_row, i + 1);
        }

        for (; i < Pixels.Length; i++)
        {
            Pixels[i] = (byte)(_colours[i + ColourBytes] - _colours[i]);
        }
    }
}
