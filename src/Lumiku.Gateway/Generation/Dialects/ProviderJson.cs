using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>Reads providers' answers, which may have an image of megabytes in them, and may be anything.</summary>
internal static class ProviderJson
{
    public static readonly DialectStep.Flawed NoJson = new("is no JSON");

    /// <summary>Letters that become bytes at a time; a multiple of four.</summary>
    private const int Letters = 64 * 1024;

    /// <returns>Null where it is no JSON object.</returns>
    public static JsonDocument? Parse(UpstreamAnswer answer)
    {
        try
        {
            var document = JsonDocument.Parse(answer.Body);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What is below these names; null where something is missing or of another kind.</summary>
    public static JsonElement? Find(JsonElement root, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(name, out root))
            {
                return null;
            }
        }

        return root;
    }

    /// <summary>A text that is readable and not empty, or null.</summary>
    public static string? Text(JsonElement? value)
    {
        try
        {
            return value is { ValueKind: JsonValueKind.String } text && text.GetString() is { Length: > 0 } read ? read : null;
        }
        catch (InvalidOperationException)
        {
            return null; // Half of a surrogate pair.
        }
    }

    /// <summary>The first of a list, or the value itself; null where there is none.</summary>
    public static JsonElement? First(JsonElement? value) => value switch
    {
        { ValueKind: JsonValueKind.Array } list => list.GetArrayLength() > 0 ? list[0] : null,
        { ValueKind: JsonValueKind.Null } => null,
        _ => value,
    };

    /// <summary>An image by its address, or in the address itself.</summary>
    public static DialectStep AtOrIn(JsonElement? url, int limit)
    {
        if (url is not { ValueKind: JsonValueKind.String } text)
        {
            return new DialectStep.Flawed("has no image");
        }

        return JsonMarshal.GetRawUtf8Value(text)[1..].StartsWith("data:"u8) ? InBase64(text, limit)
            : Text(text) is { } address ? new DialectStep.At(address)
            : new DialectStep.Flawed("has an empty address in place of the image");
    }

    /// <summary>An image in base64, with or without a data address before it.</summary>
    public static DialectStep InBase64(JsonElement value, int limit)
    {
        // A piece of the answer itself, unless it has escapes, which base64 has no need of.
        var text = JsonMarshal.GetRawUtf8Value(value)[1..^1];
        if (text.ContainsAny("\\ \t"u8))
        {
            text = Encoding.UTF8.GetBytes(string.Concat((Text(value) ?? "").Where(letter => !char.IsWhiteSpace(letter))));
        }

        if (text.StartsWith("data:"u8))
        {
            text = text[(text.IndexOf((byte)',') + 1)..];
        }

        var image = new ImageBuffer(limit);
        var bytes = ArrayPool<byte>.Shared.Rent(Letters);
        try
        {
            do
            {
                var piece = text[..Math.Min(text.Length, Letters)];
                text = text[piece.Length..];
                if (Base64.DecodeFromUtf8(piece, bytes, out _, out var written, isFinalBlock: text.IsEmpty) != OperationStatus.Done)
                {
                    return new DialectStep.Flawed("has an image that is no base64");
                }

                image.Append(bytes.AsSpan(0, written), expectedRest: text.Length / 4 * 3);
            }
            while (!text.IsEmpty);

            return image.Length == 0 ? new DialectStep.Flawed("has an empty image") : new DialectStep.Made(image);
        }
        catch (IOException)
        {
            return new DialectStep.Flawed($"has an image of more than {limit} bytes (Limits:ImageBytes)");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>The path of an address that a provider gives for asking after an image; its host is never gone to.</summary>
    /// <param name="fits">What may follow: letters, digits and single marks between slashes, up to a pattern of the dialect's.</param>
    public static string? PathOf(JsonElement? url, Func<string, bool> fits)
    {
        if (Text(url) is not { Length: <= 512 } text || !Uri.TryCreate(text, UriKind.Absolute, out var address))
        {
            return null;
        }

        var path = address.AbsolutePath;
        var isPlain = path.StartsWith('/') && !path.Contains("//", StringComparison.Ordinal) && !path.Contains("..", StringComparison.Ordinal)
            && path.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '-' or '_' or '.');
        return isPlain && fits(path) ? path : null;
    }
}
