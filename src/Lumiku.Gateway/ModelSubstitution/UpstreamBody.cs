using System.Buffers;
using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>Writes the body that goes upstream: the caller's, with the served model's parameters, in the canonical form.</summary>
internal static class UpstreamBody
{
    /// <summary>The size in image-to-image: an object of <c>width</c> and <c>height</c>, which pipelines are given in place of it.</summary>
    private const string TargetSize = "target_size";

    /// <param name="changed">Names of the parameters that the rules changed; null: none.</param>
    /// <param name="problem">A 422 that names the parameter; null: the body is good.</param>
    /// <returns>Bytes that nobody else has, so they may outlive the caller's request.</returns>
    public static ReadOnlyMemory<byte> Write(InferenceRequest request, ModelChoice model, out List<string>? changed, out GatewayProblem? problem)
    {
        (changed, problem) = (null, null);
        if (request.Json is null)
        {
            return request.Bytes.ToArray();
        }

        var bytes = new ArrayBufferWriter<byte>(request.Bytes.Length + 128);
        using var writer = new Utf8JsonWriter(bytes, CanonicalJson.Options);
        try
        {
            WriteRequest(writer, request.Json.RootElement, model, ref changed);
        }
        catch (RefusedParameterException refused)
        {
            problem = GatewayProblem.ParameterRefused(refused.Message);
        }

        writer.Flush();
        return bytes.WrittenMemory;
    }

    private static void WriteRequest(Utf8JsonWriter writer, JsonElement root, ModelChoice model, ref List<string>? changed)
    {
        var parameters = root.TryGetProperty("parameters", out var given) && given.ValueKind == JsonValueKind.Object ? given : (JsonElement?)null;
        var defaults = DefaultsFor(root.GetProperty("inputs"), parameters, model.Served);

        writer.WriteStartObject();
        foreach (var (name, value) in CanonicalJson.Sorted(root, alsoNamed: defaults.Length > 0 ? "parameters" : null))
        {
            writer.WritePropertyName(name);
            if (name == "parameters" && (parameters is not null || defaults.Length > 0))
            {
                WriteParameters(writer, parameters, model.Served, defaults, ref changed);
            }
            else if (name == "inputs" && value.ValueKind == JsonValueKind.Object)
            {
                WriteParameters(writer, value, model.Served, defaults: [], ref changed);
            }
            else if (name == "model" && model.IsSubstituted && value.ValueKind == JsonValueKind.String)
            {
                // Clients of the 2.x line name the model in the body too; it must not name another than the one that is served.
                writer.WriteStringValue(model.Served.Id);
            }
            else
            {
                Check(name, value, model.Served);
                CanonicalJson.Write(writer, value);
            }
        }

        writer.WriteEndObject();
    }

    /// <summary>Those that the caller says nowhere: a default beside the caller's own value would contradict it.</summary>
    private static KeyValuePair<string, decimal>[] DefaultsFor(JsonElement inputs, JsonElement? parameters, Model served)
    {
        return served.Options.Parameters.Default is not { Count: > 0 } defaults ? [] : [.. defaults.Where(pair => IsLeftOut(pair.Key, served) || !(Says(inputs, pair.Key) || Says(parameters, pair.Key)))];

        bool Says(JsonElement? members, string name) =>
            members is { ValueKind: JsonValueKind.Object } those
            && ((those.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
                || (name != TargetSize && !IsLeftOut(TargetSize, served) && those.TryGetProperty(TargetSize, out var size) && Says(size, name)));
    }

    private static void WriteParameters(Utf8JsonWriter writer, JsonElement? given, Model served, KeyValuePair<string, decimal>[] defaults, ref List<string>? changed)
    {
        var members = given is { } element ? CanonicalJson.Members(element) : [];
        for (var i = members.Count - 1; i >= 0; i--)
        {
            if (IsLeftOut(members[i].Key, served))
            {
                (changed ??= []).Add(members[i].Key);
                members.RemoveAt(i);
            }
        }

        foreach (var (name, _) in defaults)
        {
            members.RemoveAll(member => member.Key == name);
            members.Add(new(name, default));
        }

        members.Sort(CanonicalJson.ByName);
        writer.WriteStartObject();
        foreach (var (name, value) in members)
        {
            writer.WritePropertyName(name);
            if (value.ValueKind == JsonValueKind.Undefined)
            {
                (changed ??= []).Add(name);
                writer.WriteNumberValue(Array.Find(defaults, pair => pair.Key == name).Value);
            }
            else if (RuledNumber.Apply(name, value, served.Options.Parameters) is { } number)
            {
                (changed ??= []).Add(name);
                writer.WriteNumberValue(number);
            }
            else if (name == TargetSize && value.ValueKind == JsonValueKind.Object)
            {
                WriteParameters(writer, value, served, defaults: [], ref changed);
            }
            else
            {
                Check(name, value, served);
                CanonicalJson.Write(writer, value);
            }
        }

        writer.WriteEndObject();
    }

    private static bool IsLeftOut(string name, Model served) => served.Options.Parameters.Removes(name) || (served.MakesImages && ImageCount.IsSaidBy(name));

    private static void Check(string name, JsonElement value, Model served)
    {
        if (served.MakesImages)
        {
            ImageCount.CheckOne(name, value);
        }
    }
}
