namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>A disc of one colour. Its middle may be outside the picture: a hill is the top of a large one.</summary>
/// <param name="X">Of the middle, in pixels.</param>
/// <param name="Y">Of the middle, in pixels.</param>
/// <param name="Radius">In pixels.</param>
/// <param name="Shade">A palette index.</param>
internal readonly record struct Disc(double X, double Y, double Radius, byte Shade)
{
    /// <summary>The part of a row that it covers.</summary>
    public Range On(int row, int width)
    {
        var square = (Radius * Radius) - ((row - Y) * (row - Y));
        if (square <= 0)
        {
            return 0..0;
        }

        var half = Math.Sqrt(square);
        var from = Math.Clamp((int)(X - half), 0, width);
        return from..Math.Clamp((int)(X + half) + 1, from, width);
    }
}
