using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>The serving toolkit's table of media types, in which it looks up a whole header value: no lists, no weights, no letter case.</summary>
internal static class AcceptTable
{
    private static readonly string[] Types =
    [
        "application/json", "application/json; charset=utf-8", "text/csv", "text/plain",
        "image/png", "image/jpeg", "image/jpg", "image/tiff", "image/bmp", "image/gif", "image/webp", "image/x-image",
        "audio/x-flac", "audio/flac", "audio/mpeg", "audio/x-mpeg-3", "audio/wave", "audio/wav", "audio/x-wav", "audio/ogg",
        "audio/x-audio", "audio/webm", "audio/webm;codecs=opus", "audio/AMR", "audio/amr", "audio/AMR-WB", "audio/AMR-WB+",
        "audio/m4a", "audio/x-m4a",
    ];

    /// <summary>A missing Accept and <c>*/*</c> leave the choice to the model.</summary>
    public static bool IsOpen(string? accept) => accept is null or "*/*";

    public static bool Accepts(string? accept) => IsOpen(accept) || Types.Contains(accept);

    /// <summary>Raw bytes are taken too, although the table does not list them.</summary>
    public static bool AcceptsContent(string? contentType) =>
        contentType is "application/octet-stream" || Types.Contains(contentType);

    public static bool IsJson(string? type) => type is "application/json" or "application/json; charset=utf-8";

    /// <summary>The type of picture that an Accept value yields; null when it yields none.</summary>
    public static string? PictureTypeOf(string? accept) => accept switch
    {
        _ when IsOpen(accept) => Picture.Jpeg,
        Picture.Png or Picture.Jpeg or Picture.Webp => accept,
        _ => null,
    };

    public static string RefusalOf(string accept) => Refusal("Accept", "accept", accept);

    public static string RefusalOfContent(string contentType) => Refusal("Content", "content", contentType);

    /// <remarks>The indentation is that of the toolkit's source, which its message quotes.</remarks>
    private static string Refusal(string name, string plural, string value) =>
        $"\n                {name} type \"{value}\" not supported."
        + $"\n                Supported {plural} types are:"
        + $"\n                {string.Join(", ", Types)}"
        + "\n            ";
}
