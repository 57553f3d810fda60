using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>Writes the body that goes upstream: the caller's, with the served model's parameters, in one canonical form.</summary>
/// <remarks>
/// Members are sorted by name, strings are unescaped and escaped again, numbers keep their own spelling, nulls and unknown members
/// stay. So equal requests have equal bytes, and a cache key can be taken over just what upstream sees.
/// </remarks>
internal static class UpstreamBody
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <param name="problem">A 422 that names the parameter; null: the body is good.</param>
    /// <returns>Bytes that nobody else has, so they may outlive the caller's request.</returns>
    public static ReadOnlyMemory<byte> Write(InferenceRequest request, ModelChoice model, out GatewayProblem? problem)
    {
        problem = null;
        if (request.Json is null)
        {
            return request.Bytes;
        }

        var bytes = new ArrayBufferWriter<byte>(request.Length + 128);
        using var writer = new Utf8JsonWriter(bytes, Options);
        try
        {
            WriteRequest(writer, request.Json.RootElement, model);
        }
        catch (RefusedParameterException refused)
        {
            problem = GatewayProblem.ParameterRefused(refused.Message);
        }

        writer.Flush();
        return bytes.WrittenMemory;
    }

    private static void WriteRequest(Utf8JsonWriter writer, JsonElement root, ModelChoice model)
    {
        var rules = model.Served.Options.Parameters;
        var parameters = root.TryGetProperty("parameters", out var given) && given.ValueKind == JsonValueKind.Object ? given : (JsonElement?)null;

        writer.WriteStartObject();
        foreach (var (name, value) in Sorted(root, alsoNamed: rules.Default.Count > 0 ? "parameters" : null))
        {
            writer.WritePropertyName(name);
            if (name == "parameters" && (parameters is not null || rules.Default.Count > 0))
            {
                WriteParameters(writer, parameters, rules, rules.Default);
            }
            else if (name == "inputs" && value.ValueKind == JsonValueKind.Object)
            {
                WriteParameters(writer, value, rules, defaults: null);
            }
            else if (name == "model" && model.IsSubstituted && value.ValueKind == JsonValueKind.String)
            {
                // Clients of the 2.x line name the model in the body too; it must not name another than the one that is served.
                writer.WriteStringValue(model.Served.Id);
            }
            else
            {
                WriteCanonical(writer, value);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteParameters(Utf8JsonWriter writer, JsonElement? given, ParameterRules rules, Dictionary<string, decimal>? defaults)
    {
        var members = given is { } element ? Members(element) : [];
        members.RemoveAll(member => rules.Removes(member.Key));
        foreach (var name in defaults?.Keys ?? Enumerable.Empty<string>())
        {
            members.RemoveAll(member => member.Key == name && member.Value.ValueKind == JsonValueKind.Null);
            if (!members.Exists(member => member.Key == name))
            {
                members.Add(new(name, default));
            }
        }

        members.Sort(ByName);
        writer.WriteStartObject();
        foreach (var (name, value) in members)
        {
            writer.WritePropertyName(name);
            if (value.ValueKind == JsonValueKind.Undefined)
            {
                writer.WriteNumberValue(defaults![name]);
            }
            else if (RuledNumber.Apply(name, value, rules) is { } number)
            {
                writer.WriteNumberValue(number);
            }
            else
            {
                WriteCanonical(writer, value);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteCanonical(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var (name, member) in Sorted(value))
                {
                    writer.WritePropertyName(name);
                    WriteCanonical(writer, member);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    WriteCanonical(writer, item);
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

    private static List<KeyValuePair<string, JsonElement>> Sorted(JsonElement value, string? alsoNamed = null)
    {
        var members = Members(value);
        if (alsoNamed is not null && !members.Exists(member => member.Key == alsoNamed))
        {
            members.Add(new(alsoNamed, default));
        }

        members.Sort(ByName);
        return members;
    }

    private static List<KeyValuePair<string, JsonElement>> Members(JsonElement value)
    {
        List<KeyValuePair<string, JsonElement>> members = new(value.GetPropertyCount() + 1);
        foreach (var property in value.EnumerateObject())
        {
            members.Add(new(property.Name, property.Value));
        }

        return members;
    }

    private static int ByName(KeyValuePair<string, JsonElement> left, KeyValuePair<string, JsonElement> right) =>
        string.CompareOrdinal(left.Key, right.Key);
}
