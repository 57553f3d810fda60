using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>A picture that a caller brings: of up to tens of megabytes, so it is read where it lies.</summary>
/// <param name="Name">As callers name it: one of <see cref="PictureOrder.Names"/>.</param>
/// <param name="Text">In base64, with or without a data address before it; null: <paramref name="Bytes"/> is it.</param>
internal sealed record GivenPicture(string Name, JsonElement? Text, ReadOnlyMemory<byte> Bytes = default)
{
    /// <summary>Shorter than this is no picture, and may be a word of a prompt.</summary>
    private const int Shortest = 32;

    /// <summary>Three bytes are four letters, so pieces of a multiple of three may be joined.</summary>
    private const int Piece = 3 * 1024;

    /// <summary>Whether a text is a picture, and no prompt. Nobody's prompt begins as base64 of an image does.</summary>
    public static bool IsOne(JsonElement value) => value.ValueKind == JsonValueKind.String && MediaTypeOf(Letters(value)) is not null;

    /// <param name="asDataUrl">With its media type before it; else base64 alone.</param>
    public void Write(Utf8JsonWriter writer, bool asDataUrl)
    {
        if (Text is not { } text)
        {
            WriteBytes(writer, asDataUrl);
            return;
        }

        var letters = Letters(text);
        if (letters.StartsWith("data:"u8))
        {
            writer.WriteStringValue(asDataUrl ? letters : letters[(letters.IndexOf((byte)',') + 1)..]);
            return;
        }

        if (asDataUrl)
        {
            // As UTF-8, like the rest: a writer begins the text anew where segments of both encodings follow each other.
            writer.WriteStringValueSegment(Encoding.ASCII.GetBytes($"data:{MediaTypeOf(letters)};base64,"), isFinalSegment: false);
        }

        writer.WriteStringValueSegment(letters, isFinalSegment: true);
    }

    private void WriteBytes(Utf8JsonWriter writer, bool asDataUrl)
    {
        if (asDataUrl)
        {
            var start = Encoding.ASCII.GetBytes(Convert.ToBase64String(Bytes.Span[..Math.Min(Shortest, Bytes.Length)]));
            writer.WriteStringValueSegment($"data:{MediaTypeOf(start) ?? "application/octet-stream"};base64,", isFinalSegment: false);
        }

        Span<char> letters = stackalloc char[Piece / 3 * 4];
        var rest = Bytes.Span;
        do
        {
            var piece = rest[..Math.Min(rest.Length, Piece)];
            rest = rest[piece.Length..];
            Convert.TryToBase64Chars(piece, letters, out var written);
            writer.WriteStringValueSegment(letters[..written], isFinalSegment: rest.IsEmpty);
        }
        while (!rest.IsEmpty);
    }

    /// <summary>A piece of the body itself, unless it has escapes, which base64 has no need of.</summary>
    private static ReadOnlySpan<byte> Letters(JsonElement text)
    {
        var raw = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        return raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(text.GetString()!) : raw;
    }

    private static string? MediaTypeOf(ReadOnlySpan<byte> letters)
    {
        if (letters.StartsWith("data:image/"u8))
        {
            var end = letters[..Math.Min(letters.Length, 64)].IndexOf(";base64,"u8);
            return end > 0 ? Encoding.ASCII.GetString(letters["data:".Length..end]) : null;
        }

        return letters.Length < Shortest || letters[..Shortest].ContainsAny(" ,."u8) ? null
            : letters.StartsWith("iVBORw0KGg"u8) ? "image/png"
            : letters.StartsWith("/9j/"u8) ? "image/jpeg"
            : letters.StartsWith("UklGR"u8) ? "image/webp"
            : letters.StartsWith("R0lGOD"u8) ? "image/gif"
            : null;
    }
}
