using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Lumiku.Gateway.Generation;

/// <summary>What upstream said in words, out of whatever shape it said it in.</summary>
/// <param name="Text">The whole sentence; empty where there is none.</param>
/// <param name="EstimatedTime">How long upstream thinks a model takes to load.</param>
/// <param name="Kind">The word for it that OpenAI's form has besides; empty where there is none.</param>
internal sealed record UpstreamMessage(string Text, TimeSpan? EstimatedTime, string Kind = "")
{
    /// <summary>An error of a reasonable upstream is a few hundred bytes.</summary>
    private const int Read = 64 * 1024;

    private static readonly string[] SpokenMembers = ["error", "message", "detail", "warnings"];

    private static readonly UpstreamMessage None = new("", null);

    public static UpstreamMessage From(ReadOnlySequence<byte> body)
    {
        if (body.IsEmpty)
        {
            return None;
        }

        var start = body.Slice(0, Math.Min(body.Length, Read)).ToArray();
        try
        {
            using var json = JsonDocument.Parse(start);
            return FromJson(json.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Bytes that are no text would only fill the message with replacement characters, and JSON of that length has an image in it.
            return start.AsSpan().Contains((byte)0) || (body.Length > Read && start[0] == '{') ? None : new UpstreamMessage(Encoding.UTF8.GetString(start).Trim(), null);
        }
    }

    private static UpstreamMessage FromJson(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return None;
        }

        var parts = SpokenMembers
            .Select(name => root.TryGetProperty(name, out var value) ? TextOf(value) : "")
            .Where(text => text.Length > 0).Distinct();
        var estimated = root.TryGetProperty("estimated_time", out var time) && time.ValueKind == JsonValueKind.Number
            && time.TryGetDouble(out var seconds) && seconds is >= 0 and < 86_400 ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
        var kind = root.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object && error.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String ? type.GetString()! : "";
        return new UpstreamMessage(string.Join(" ", parts), estimated, kind);
    }

    /// <summary>A text, a list of them, or an object with a message in it, in FastAPI's form with the place that it is about.</summary>
    private static string TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!.Trim(),
        JsonValueKind.Array => string.Join(" ", value.EnumerateArray().Select(TextOf).Where(text => text.Length > 0)),
        JsonValueKind.Object when value.TryGetProperty("message", out var message) => TextOf(message),
        JsonValueKind.Object when value.TryGetProperty("msg", out var message) => value.TryGetProperty("loc", out var place) && place.ValueKind == JsonValueKind.Array
            ? $"{string.Join('.', place.EnumerateArray().Select(TextOf))}: {TextOf(message)}" : TextOf(message),
        JsonValueKind.Number => value.GetDouble().ToString(CultureInfo.InvariantCulture),
        _ => "",
    };
}
