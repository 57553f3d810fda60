using System.Text;
using System.Text.Json;

namespace Lumiku.Gateway.Settings;

/// <summary>The keys of a JSON text as configuration writes them, in their order.</summary>
internal static class JsonKeys
{
    /// <returns>As many as there are before the text is no JSON any more, or ends. A key that an object has twice is there twice.</returns>
    public static List<string> Of(byte[] content)
    {
        ReadOnlySpan<byte> text = content.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? content.AsSpan(Encoding.UTF8.Preamble.Length) : content;
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        List<string> keys = [];
        Stack<(string Path, int Items)> open = new(); // Items: how many a list had so far; -1: it is an object.
        var key = "";
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    key = Join(open.Peek().Path, reader.GetString()!);
                    keys.Add(key);
                    continue;
                }

                if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
                {
                    open.Pop();
                    continue;
                }

                if (open.TryPeek(out var list) && list.Items >= 0)
                {
                    key = Join(list.Path, $"{list.Items}");
                    open.Pop();
                    open.Push((list.Path, list.Items + 1));
                }

                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                {
                    open.Push((key, reader.TokenType == JsonTokenType.StartArray ? 0 : -1));
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The mistake; or a key that is no text.
        }

        return keys;
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}:{name}";
}
