namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>The 256 colours of a picture: a sky, a sun, hills.</summary>
internal sealed class Palette
{
    public const byte LastOfSky = 251;
    public const byte Sun = 252;
    public const byte FarHills = 253;
    public const byte MiddleHills = 254;
    public const byte NearHills = 255;

    private readonly Colour[] _colours = new Colour[256];

    public static Palette Black { get; } = new();

    /// <summary>Pixels that are palette indexes.</summary>
    public static ReadOnlySpan<byte> Indexes => AllIndexes;

    /// <summary>Pixels that are colours.</summary>
    public ReadOnlySpan<Colour> Colours => _colours;

    private static byte[] AllIndexes { get; } = [.. Enumerable.Range(0, 256).Select(index => (byte)index)];

    /// <summary>Two hues from the key, a third of the wheel apart or less.</summary>
    public static Palette From(byte[] key)
    {
        var hue = key[0] / 256d;
        var other = hue + 0.12 + (key[1] / 1280d);
        var high = Colour.FromHue(hue, 0.65, 0.55);
        var low = Colour.FromHue(other, 0.35, 0.98);

        var palette = new Palette();
        for (var shade = 0; shade <= LastOfSky; shade++)
        {
            palette._colours[shade] = high.Towards(low, shade / (double)LastOfSky);
        }

        palette._colours[Sun] = Colour.FromHue(other, 0.12, 1);
        palette._colours[FarHills] = Colour.FromHue(hue, 0.5, 0.5);
        palette._colours[MiddleHills] = Colour.FromHue(hue, 0.55, 0.36);
        palette._colours[NearHills] = Colour.FromHue(hue, 0.6, 0.22);
        return palette;
    }
}
