using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace Lumiku.Gateway.InferenceRequests;

/// <summary>Parses a JSON body strictly: what passes here reads the same for every parser behind us.</summary>
internal static class InferenceJson
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <param name="body">Must stay as it is while the document lives.</param>
    /// <param name="problem">What is wrong, never quoting the body.</param>
    public static bool TryParse(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out JsonDocument? document, [NotNullWhen(false)] out string? problem)
    {
        document = null;
        if (body.IsEmpty)
        {
            problem = "The body is empty; it must be a JSON object with 'inputs'.";
            return false;
        }

        if (!Utf8.IsValid(body.Span))
        {
            problem = "The body is not valid UTF-8.";
            return false;
        }

        try
        {
            document = JsonDocument.Parse(body, Strict);
            problem = Check(document.RootElement);
        }
        catch (JsonException exception)
        {
            problem = Explain(exception);
        }
        catch (InvalidOperationException)
        {
            problem = "A name or string holds half of a surrogate pair (\\ud800 to \\udfff), which is no character.";
        }

        if (problem is not null)
        {
            document?.Dispose();
            document = null;
            return false;
        }

        return document is not null;
    }

    private static string? Check(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return $"The body must be a JSON object with 'inputs'; it is {Describe(root)}.";
        }

        CheckStrings(root);
        if (!root.TryGetProperty("inputs", out var inputs) || inputs.ValueKind == JsonValueKind.Null)
        {
            return "'inputs' is missing: it holds the prompt or the picture.";
        }

        return root.TryGetProperty("parameters", out var parameters) && parameters.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null)
            ? $"'parameters' must be an object; it is {Describe(parameters)}."
            : null;
    }

    /// <summary>The kind and size of a value, which an error may tell; never the value.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => $"an array of {value.GetArrayLength()}",
        JsonValueKind.String => $"a string of {value.GetString()!.Length} characters",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };

    /// <summary>Reads every escaped string once: the parser itself leaves escapes unread.</summary>
    /// <exception cref="InvalidOperationException">A lone surrogate.</exception>
    private static void CheckStrings(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    if (JsonMarshal.GetRawUtf8PropertyName(property).Contains((byte)'\\'))
                    {
                        _ = property.Name;
                    }

                    CheckStrings(property.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    CheckStrings(item);
                }

                break;
            case JsonValueKind.String when JsonMarshal.GetRawUtf8Value(element).IndexOf("\\u"u8) >= 0:
                _ = element.GetString();
                break;
        }
    }

    /// <summary>The parser's own words quote what it met, which may be a piece of the prompt; position and rule are enough.</summary>
    private static string Explain(JsonException exception)
    {
        var where = exception.LineNumber is { } line ? $" at line {line + 1}, byte {exception.BytePositionInLine + 1}" : "";
        return exception.Message.Contains("depth", StringComparison.OrdinalIgnoreCase) ? $"The JSON is nested deeper than {Strict.MaxDepth} levels{where}."
            : exception.Message.Contains("uplicate", StringComparison.Ordinal) ? "An object in the JSON has the same name twice."
            : $"The body is not valid JSON{where}.";
    }
}
