namespace Lumiku.Gateway.InferenceRequests;

/// <summary>The media types that upstream makes images in. It looks the whole <c>Accept</c> header up as one string, so exactly one goes there.</summary>
internal static class ImageMediaType
{
    public const string Png = "image/png";
    public const string Jpeg = "image/jpeg";
    public const string WebP = "image/webp";

    /// <summary>The constant for one of the three, case ignored; null for anything else.</summary>
    public static string? Known(ReadOnlySpan<char> mediaType) =>
        mediaType.Equals(Png, StringComparison.OrdinalIgnoreCase) ? Png
        : mediaType.Equals(Jpeg, StringComparison.OrdinalIgnoreCase) ? Jpeg
        : mediaType.Equals(WebP, StringComparison.OrdinalIgnoreCase) ? WebP
        : null;

    /// <summary>The first type that the caller lists, if it is one of the three (q is not weighed); else <paramref name="otherwise"/>.</summary>
    /// <remarks>axios' <c>application/json, text/plain, */*</c> is how the backend asks for images: nobody meant it.</remarks>
    public static string Choose(string? accept, string otherwise)
    {
        var first = accept.AsSpan();
        first = first[..(first.IndexOf(',') is >= 0 and var comma ? comma : first.Length)];
        first = first[..(first.IndexOf(';') is >= 0 and var parameters ? parameters : first.Length)];
        return Known(first.Trim()) ?? otherwise;
    }
}

/// <summary>On a route's endpoint: the media type asked for where the caller prefers none that upstream makes images in.</summary>
internal sealed record ImageAccept(string MediaType);
