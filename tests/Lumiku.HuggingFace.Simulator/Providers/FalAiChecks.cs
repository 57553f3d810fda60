using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>What fal's applications refuse, in FastAPI's words. Names that they do not know pass unheard.</summary>
internal static class FalAiChecks
{
    private static readonly Dictionary<string, (int Width, int Height)> Presets = new(StringComparer.Ordinal)
    {
        ["square_hd"] = (1024, 1024),
        ["square"] = (512, 512),
        ["portrait_4_3"] = (768, 1024),
        ["portrait_16_9"] = (576, 1024),
        ["landscape_4_3"] = (1024, 768),
        ["landscape_16_9"] = (1024, 576),
    };

    /// <summary>Without a valid one, that of the application.</summary>
    public static (int Width, int Height) SizeOf(JsonElement size, Offer offer)
    {
        if (size.Text() is { } name && Presets.TryGetValue(name, out var preset))
        {
            return preset;
        }

        return size.Member("width").Number() is { } width && size.Member("height").Number() is { } height
            ? ((int)width, (int)height)
            : offer.TakesPictures ? (1024, 1024) : Presets["landscape_4_3"];
    }

    public static Answer? Refuse(JsonElement input, Offer offer)
    {
        if (input.Member("prompt").Text() is null)
        {
            return Refusal("prompt", "field required", "value_error.missing");
        }

        if (offer.TakesPictures && input.Member("image_url").Text() is null)
        {
            return Refusal("image_url", "field required", "value_error.missing");
        }

        if (input.Member("image_size").Text() is { } size && !Presets.ContainsKey(size))
        {
            return Refusal("image_size", "unexpected value; permitted: " + string.Join(", ", Presets.Keys.Select(name => $"'{name}'")), "value_error.const");
        }

        return input.Member("num_inference_steps").Number() switch
        {
            { } steps when steps > offer.MostSteps => Limit("num_inference_steps", "less", "le", offer.MostSteps),
            < 1 => Limit("num_inference_steps", "greater", "ge", 1),
            _ => null,
        };
    }

    private static Answer Limit(string name, string relation, string code, int limit) => Refusal(
        name,
        $"ensure this value is {relation} than or equal to {limit}",
        $"value_error.number.not_{code}",
        new JsonObject { ["limit_value"] = limit });

    private static Answer Refusal(string name, string message, string type, JsonObject? context = null)
    {
        var detail = new JsonObject { ["loc"] = new JsonArray("body", name), ["msg"] = message, ["type"] = type };
        if (context is not null)
        {
            detail["ctx"] = context;
        }

        return new Answer(StatusCodes.Status422UnprocessableEntity, new JsonObject { ["detail"] = new JsonArray(detail) });
    }
}
