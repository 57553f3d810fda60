using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>What a document says, and other ways to say it; by other code than the gateway's.</summary>
internal static class JsonDocuments
{
    /// <summary>A canonical text of a document's meaning. A number is how it is spelled.</summary>
    public static string Meaning(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(",", value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal).Select(member => $"<{member.Name}>:{Meaning(member.Value)}")) + "}",
        JsonValueKind.Array => "[" + string.Join(",", value.EnumerateArray().Select(Meaning)) + "]",
        JsonValueKind.String => $"<{value.GetString()}>",
        _ => value.GetRawText(),
    };

    /// <summary>The same document in other clothes: members reversed, white space, every character escaped.</summary>
    public static string Disguise(string document)
    {
        static JsonNode? Reversed(JsonNode? node) => node switch
        {
            JsonObject members => new JsonObject(members.Reverse().Select(member => KeyValuePair.Create(member.Key, Reversed(member.Value)))),
            JsonArray items => new JsonArray([.. items.Select(Reversed)]),
            _ => node?.DeepClone(),
        };

        return Reversed(JsonNode.Parse(document))!.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.Create() });
    }

    public static string Quote(string text) => JsonSerializer.Serialize(text);
}
