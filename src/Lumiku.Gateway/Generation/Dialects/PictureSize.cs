using System.Globalization;
using System.Text.Json;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>The size that an image is to have, in each form that providers are told it in. Never changed on the way: what a provider cannot make is refused.</summary>
internal readonly record struct PictureSize(int Width, int Height)
{
    /// <summary>What FLUX.1 makes of them at replicate, with a megapixel; with a quarter of one, half of each side (its own source, replicate/cog-flux, says so).</summary>
    private static readonly (string Ratio, PictureSize Size)[] Ratios =
    [
        ("1:1", new(1024, 1024)), ("16:9", new(1344, 768)), ("21:9", new(1536, 640)), ("3:2", new(1216, 832)), ("2:3", new(832, 1216)), ("4:5", new(896, 1088)),
        ("5:4", new(1088, 896)), ("3:4", new(896, 1152)), ("4:3", new(1152, 896)), ("9:16", new(768, 1344)), ("9:21", new(640, 1536)),
    ];

    /// <summary>All names that a size is told by.</summary>
    public static readonly IReadOnlyList<string> Names = [.. Enum.GetValues<SizeForm>().SelectMany(NamesIn)];

    /// <summary>Those that one form writes.</summary>
    public static IReadOnlyList<string> NamesIn(SizeForm form) => form switch
    {
        SizeForm.WidthAndHeight => ["width", "height"],
        SizeForm.SizeWithX or SizeForm.SizeWithStar => ["size"],
        SizeForm.ImageSize => ["image_size"],
        SizeForm.AspectRatio => ["aspect_ratio", "megapixels"],
        _ => [],
    };

    /// <returns>Null where nothing is said of it.</returns>
    /// <exception cref="RefusedParameterException">Only one side is given, or one that is no whole number of pixels.</exception>
    public static PictureSize? Of(JsonElement? width, JsonElement? height) => (width, height) switch
    {
        (null, null) => null,
        ({ } one, { } other) => new PictureSize(Pixels("width", one), Pixels("height", other)),
        _ => throw new RefusedParameterException($"'{(width is null ? "width" : "height")}' is missing: this model's upstream is told both sides or none."),
    };

    /// <exception cref="RefusedParameterException">There is no way to say it in this form.</exception>
    public void Write(Utf8JsonWriter writer, SizeForm form)
    {
        switch (form)
        {
            case SizeForm.WidthAndHeight:
                WriteSides(writer);
                break;
            case SizeForm.SizeWithX:
                writer.WriteString("size", Joined('x'));
                break;
            case SizeForm.SizeWithStar:
                writer.WriteString("size", Joined('*'));
                break;
            case SizeForm.ImageSize:
                writer.WriteStartObject("image_size");
                WriteSides(writer);
                writer.WriteEndObject();
                break;
            case SizeForm.AspectRatio:
                WriteRatio(writer);
                break;
            default:
                throw new RefusedParameterException("'width' and 'height' cannot be chosen at this model's upstream.");
        }
    }

    private void WriteSides(Utf8JsonWriter writer)
    {
        writer.WriteNumber("width", Width);
        writer.WriteNumber("height", Height);
    }

    private void WriteRatio(Utf8JsonWriter writer)
    {
        foreach (var (ratio, size) in Ratios)
        {
            var isHalf = this == new PictureSize(size.Width / 2, size.Height / 2);
            if (this == size || isHalf)
            {
                writer.WriteString("aspect_ratio", ratio);
                writer.WriteString("megapixels", isHalf ? "0.25" : "1");
                return;
            }
        }

        throw new RefusedParameterException(
            $"'width' and 'height' are {Joined('x')}, which this model's upstream does not make; it makes {string.Join(", ", Ratios.Select(ratio => ratio.Size.Joined('x')))} and half of each side.");
    }

    private string Joined(char by) => string.Create(CultureInfo.InvariantCulture, $"{Width}{by}{Height}");

    private static int Pixels(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number is >= 1 and <= 65536 && number == decimal.Truncate(number)
            ? (int)number
            : throw new RefusedParameterException($"'{name}' must be a whole number of pixels, 1 to 65536; it is {InferenceRequests.InferenceJson.Describe(value)}.");
}
