using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>One form for all JSON that means the same.</summary>
/// <remarks>
/// Members are sorted by name, strings are unescaped and escaped again, numbers keep their own spelling, nulls and unknown members
/// stay. So equal requests have equal bytes, and a cache key can be taken over just what upstream sees.
/// </remarks>
internal static class CanonicalJson
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var (name, member) in Sorted(value))
                {
                    writer.WritePropertyName(name);
                    Write(writer, member);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.Number:
                // Its own spelling: a seed beyond 2^53 must not lose digits, and 1.0 is not 1 for every pipeline.
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    /// <param name="alsoNamed">A member that is there even if the object has none of this name; its value is then of kind Undefined.</param>
    public static List<KeyValuePair<string, JsonElement>> Sorted(JsonElement value, string? alsoNamed = null)
    {
        var members = Members(value);
        if (alsoNamed is not null && !members.Exists(member => member.Key == alsoNamed))
        {
            members.Add(new(alsoNamed, default));
        }

        members.Sort(ByName);
        return members;
    }

    public static List<KeyValuePair<string, JsonElement>> Members(JsonElement value)
    {
        List<KeyValuePair<string, JsonElement>> members = new(value.GetPropertyCount() + 1);
        foreach (var property in value.EnumerateObject())
        {
            members.Add(new(property.Name, property.Value));
        }

        return members;
    }

    public static int ByName(KeyValuePair<string, JsonElement> left, KeyValuePair<string, JsonElement> right) =>
        string.CompareOrdinal(left.Key, right.Key);
}
