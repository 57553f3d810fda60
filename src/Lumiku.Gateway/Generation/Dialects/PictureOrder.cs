using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>What a request for an image says, out of the forms that Hugging Face's clients and the backend say it in.</summary>
/// <remarks>
/// A prompt in <c>inputs</c>; a picture there, with the prompt among the parameters; an object of both there; or nothing but a picture's bytes.
/// </remarks>
internal sealed class PictureOrder : IDisposable
{
    /// <summary>Of a picture that callers bring.</summary>
    public static readonly string[] Names = ["image", "mask", "control_image", "input_id_images"];

    /// <summary>Diffusers' name of a mask.</summary>
    private const string MaskImage = "mask_image";

    private readonly JsonDocument? _json;
    private readonly List<KeyValuePair<string, JsonElement>> _parameters = [];
    private readonly List<GivenPicture> _pictures = [];

    private PictureOrder(JsonDocument? json) => _json = json;

    /// <summary>Null: there is none.</summary>
    public JsonElement? Prompt { get; private set; }

    /// <summary>All others, in Hugging Face's names; none is null.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonElement>> Parameters => _parameters;

    public IReadOnlyList<GivenPicture> Pictures => _pictures;

    /// <param name="request">Of the gateway's own writing, so its JSON is good.</param>
    /// <exception cref="RefusedParameterException">It says something twice, or a picture is none.</exception>
    public static PictureOrder Read(UpstreamRequest request)
    {
        if (request.MediaType != "application/json")
        {
            var bytes = new PictureOrder(json: null);
            bytes._pictures.Add(new GivenPicture("image", Text: null, request.Body));
            return bytes;
        }

        var order = new PictureOrder(JsonDocument.Parse(request.Body));
        try
        {
            order.ReadJson();
            return order;
        }
        catch
        {
            order.Dispose();
            throw;
        }
    }

    public void Dispose() => _json?.Dispose();

    private void ReadJson()
    {
        var root = _json!.RootElement;
        var inputs = root.GetProperty("inputs");
        switch (inputs.ValueKind)
        {
            case JsonValueKind.String when GivenPicture.IsOne(inputs):
                _pictures.Add(new GivenPicture("image", inputs));
                break;
            case JsonValueKind.String:
                Prompt = inputs;
                break;
            case JsonValueKind.Object:
                ReadMembers(inputs);
                break;
            default:
                throw new RefusedParameterException($"'inputs' must be a prompt, a picture in base64 or an object; it is {InferenceJson.Describe(inputs)}.");
        }

        if (root.TryGetProperty("parameters", out var parameters) && parameters.ValueKind == JsonValueKind.Object)
        {
            ReadMembers(parameters);
        }
    }

    private void ReadMembers(JsonElement members)
    {
        foreach (var member in members.EnumerateObject())
        {
            var (name, value) = (member.Name, member.Value);
            if (value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (name == MaskImage || Names.Contains(name))
            {
                AddPictures(name == MaskImage ? "mask" : name, value);
            }
            else if (name == "prompt")
            {
                Prompt = Prompt is null ? value : throw Twice(name);
            }
            else if (name == "target_size" && value.ValueKind == JsonValueKind.Object)
            {
                ReadMembers(value);
            }
            else
            {
                AddParameter(name, value);
            }
        }
    }

    private void AddParameter(string name, JsonElement value)
    {
        if (_parameters.Exists(other => other.Key == name))
        {
            throw Twice(name);
        }

        _parameters.Add(new(name, value));
    }

    private void AddPictures(string name, JsonElement value)
    {
        if (_pictures.Exists(other => other.Name == name))
        {
            throw Twice(name);
        }

        foreach (var picture in value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : new[] { value })
        {
            _pictures.Add(GivenPicture.IsOne(picture) ? new GivenPicture(name, picture)
                : throw new RefusedParameterException($"'{name}' must be a PNG, JPEG, WebP or GIF in base64, with or without 'data:image/…;base64,' before it; it is {InferenceJson.Describe(picture)}."));
        }
    }

    private static RefusedParameterException Twice(string name) => new($"'{name}' is there twice: in 'inputs' and in 'parameters'.");
}

/// <summary>A picture that a caller brings.</summary>
/// <param name="Name">As callers name it: <c>image</c>, <c>mask</c>, <c>control_image</c> or <c>input_id_images</c>.</param>
/// <param name="Text">In base64, with or without a data address before it; null: <paramref name="Bytes"/> is it.</param>
internal sealed record GivenPicture(string Name, JsonElement? Text, ReadOnlyMemory<byte> Bytes = default)
{
    private const string DataImage = "data:image/";

    /// <summary>How base64 of each format begins.</summary>
    private static readonly (string Start, string MediaType)[] Starts =
        [("iVBORw0KGg", "image/png"), ("/9j/", "image/jpeg"), ("UklGR", "image/webp"), ("R0lGOD", "image/gif")];

    /// <summary>Whether a text is a picture, and no prompt. Nobody's prompt begins as base64 of an image does.</summary>
    public static bool IsOne(JsonElement value) => value.ValueKind == JsonValueKind.String && MediaTypeOf(value.GetString()!) is not null;

    /// <param name="asDataUrl">With its media type before it; else base64 alone.</param>
    public void Write(Utf8JsonWriter writer, bool asDataUrl)
    {
        if (Text is not { } text)
        {
            WriteBytes(writer, asDataUrl);
            return;
        }

        var given = text.GetString()!;
        var isDataUrl = given.StartsWith(DataImage, StringComparison.OrdinalIgnoreCase);
        if (isDataUrl == asDataUrl)
        {
            writer.WriteStringValue(given);
        }
        else if (isDataUrl)
        {
            writer.WriteStringValue(given.AsSpan(given.IndexOf(',') + 1));
        }
        else
        {
            writer.WriteStringValueSegment($"data:{MediaTypeOf(given)};base64,", isFinalSegment: false);
            writer.WriteStringValueSegment(given, isFinalSegment: true);
        }
    }

    private void WriteBytes(Utf8JsonWriter writer, bool asDataUrl)
    {
        if (asDataUrl)
        {
            writer.WriteStringValueSegment($"data:{MediaTypeOf(Convert.ToBase64String(Bytes.Span[..Math.Min(24, Bytes.Length)])) ?? "application/octet-stream"};base64,", isFinalSegment: false);
        }

        // Pieces of three bytes become four letters each, so they may be joined.
        Span<char> letters = stackalloc char[4096];
        for (var rest = Bytes.Span; ;)
        {
            var piece = rest[..Math.Min(rest.Length, letters.Length / 4 * 3)];
            rest = rest[piece.Length..];
            Convert.TryToBase64Chars(piece, letters, out var written);
            writer.WriteStringValueSegment(letters[..written], isFinalSegment: rest.IsEmpty);
            if (rest.IsEmpty)
            {
                return;
            }
        }
    }

    private static string? MediaTypeOf(string text)
    {
        if (text.StartsWith(DataImage, StringComparison.OrdinalIgnoreCase))
        {
            var end = text.IndexOf(";base64,", StringComparison.OrdinalIgnoreCase);
            return end is > 0 and < 64 ? text["data:".Length..end] : null;
        }

        foreach (var (start, mediaType) in Starts)
        {
            // Long enough for no word of a prompt.
            if (text.Length >= 32 && text.StartsWith(start, StringComparison.Ordinal) && !text.AsSpan(0, 32).ContainsAny(' ', ',', '.'))
            {
                return mediaType;
            }
        }

        return null;
    }
}
