using System.Text.Json;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>Reads of JSON that answer "nothing" where the member is absent, of another kind, or not decodable.</summary>
internal static class JsonReading
{
    public static JsonElement Member(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) ? member : default;

    public static string? Text(this JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null; // A lone surrogate: JSON to the parser, but no text.
        }
    }

    public static double? Number(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var number) ? number : null;
}
