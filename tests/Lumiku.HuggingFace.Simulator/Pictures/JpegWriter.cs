namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>Writes a painting as a baseline JPEG in which every block of 8 × 8 pixels has one colour.</summary>
internal static class JpegWriter
{
    private const int Block = 8;

    /// <param name="painting">What to draw.</param>
    /// <param name="key">Goes into a comment, so that pictures which look alike differ.</param>
    public static byte[] Write(Painting painting, byte[] key)
    {
        using var file = new MemoryStream();
        file.Write(JpegTables.Start);
        file.Write(JpegTables.Comment(key));
        file.Write(JpegTables.Frame(painting.Width, painting.Height));
        file.Write(JpegTables.HuffmanCodes);
        file.Write(JpegTables.ScanStart);
        WriteBlocks(new JpegBits(file), painting);
        file.Write(JpegTables.End);
        return file.ToArray();
    }

    private static void WriteBlocks(JpegBits bits, Painting painting)
    {
        var row = new Colour[painting.Width];
        var previous = (Luma: 0, Blue: 0, Red: 0);
        for (var y = 0; y < painting.Height; y += Block)
        {
            painting.Draw(Math.Min(y + (Block / 2), painting.Height - 1), row, painting.Palette.Colours);
            for (var x = 0; x < painting.Width; x += Block)
            {
                var current = ToLumaAndChroma(row[Math.Min(x + (Block / 2), painting.Width - 1)]);
                if (current == previous)
                {
                    bits.WriteSameBlocks();
                    continue;
                }

                bits.WriteBlock(current.Luma - previous.Luma);
                bits.WriteBlock(current.Blue - previous.Blue);
                bits.WriteBlock(current.Red - previous.Red);
                previous = current;
            }
        }

        bits.Finish();
    }

    /// <summary>Levels are centred on zero.</summary>
    private static (int Luma, int Blue, int Red) ToLumaAndChroma(Colour colour) =>
    (
        (int)((0.299 * colour.Red) + (0.587 * colour.Green) + (0.114 * colour.Blue)) - 128,
        (int)((-0.1687 * colour.Red) - (0.3313 * colour.Green) + (0.5 * colour.Blue)),
        (int)((0.5 * colour.Red) - (0.4187 * colour.Green) - (0.0813 * colour.Blue)));
}
