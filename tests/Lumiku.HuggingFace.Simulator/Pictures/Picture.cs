namespace Lumiku.HuggingFace.Simulator.Pictures;

/// <summary>An encoded picture.</summary>
/// <param name="Type">Its media type.</param>
/// <param name="Bytes">The whole file.</param>
internal sealed record Picture(string Type, byte[] Bytes)
{
    public const string Png = "image/png";
    public const string Jpeg = "image/jpeg";
    public const string Webp = "image/webp";

    /// <summary>A tenth of the PNG is about what a lossy format needs.</summary>
    private const int LossySavings = 10;

    /// <param name="type">One of the three above.</param>
    /// <param name="key">Equal keys give equal pictures.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="bytes">The size to aim at, as a PNG.</param>
    public static Picture Paint(string type, byte[] key, int width, int height, int bytes) => type switch
    {
        Png => new Picture(type, PngWriter.Write(Painting.Landscape(key, width, height), key, bytes)),
        Jpeg => new Picture(type, JpegWriter.Write(Painting.Landscape(key, width, height), key)),
        Webp => new Picture(type, WebpWriter.Write(Palette.From(key).Colours[0], width, height, key, bytes / LossySavings)),
        _ => throw new ArgumentException($"'{type}' cannot be painted.", nameof(type)),
    };

    /// <summary>What Stable Diffusion's safety checker puts in place of a picture that it refuses.</summary>
    public static Picture Black(int width, int height) =>
        new(Png, PngWriter.Write(Painting.Black(width, height), key: [], bytes: 0));

    public string AsBase64() => Convert.ToBase64String(Bytes);
}
