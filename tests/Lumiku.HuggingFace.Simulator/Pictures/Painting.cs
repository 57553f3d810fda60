namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>A picture before it is encoded: a sky that brightens towards the ground, and discs in front of it.</summary>
/// <remarks>Rows consist of few runs of one colour, so they are quick to draw and compress to nearly nothing.</remarks>
internal sealed class Painting(int width, int height, Palette palette, params Disc[] discs)
{
    public int Width => width;

    public int Height => height;

    public Palette Palette => palette;

    public static Painting Black(int width, int height) => new(width, height, Palette.Black);

    /// <summary>A sun over two hills, or three.</summary>
    public static Painting Landscape(byte[] key, int width, int height)
    {
        var side = Math.Min(width, height);
        return new Painting(
            width,
            height,
            Palette.From(key),
            new Disc(width * Between(0.2, 0.8, key[2]), height * Between(0.2, 0.5, key[3]), side * Between(0.06, 0.14, key[4]), Palette.Sun),
            Hill(width * Between(0.1, 0.9, key[5]), height * Between(0.58, 0.7, key[6]), width * 1.3, Palette.FarHills),
            Hill(width * Between(0, 0.4, key[7]), height * Between(0.7, 0.82, key[8]), width * 0.9, Palette.MiddleHills),
            Hill(width * Between(0.6, 1, key[9]), height * Between(0.74, 0.86, key[10]), width * 0.8, Palette.NearHills));
    }

    /// <param name="y">Which row.</param>
    /// <param name="row">As wide as the painting.</param>
    /// <param name="colours">The palette, in the form in which pixels are wanted.</param>
    public void Draw<TPixel>(int y, Span<TPixel> row, ReadOnlySpan<TPixel> colours)
    {
        row.Fill(colours[y * Palette.LastOfSky / height]);
        foreach (var disc in discs)
        {
            row[disc.On(y, width)].Fill(colours[disc.Shade]);
        }
    }

    private static Disc Hill(double x, double top, double radius, byte shade) => new(x, top + radius, radius, shade);

    private static double Between(double least, double most, byte share) => least + ((most - least) * share / 255);
}
