using System.Text.Json;
using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>The inputs that a model at replicate knows; it refuses all others.</summary>
internal sealed record ReplicateInputs(params string[] Names)
{
    private static readonly ReplicateInputs Schnell = new(
        "prompt", "aspect_ratio", "num_outputs", "num_inference_steps", "seed", "output_format", "output_quality", "megapixels", "go_fast",
        "disable_safety_checker");

    private static readonly ReplicateInputs Dev = new([.. Schnell.Names, "guidance", "image", "prompt_strength"]);

    /// <summary>The last three are not the model's own: the official client sends them to every model, and has its answer all the same.</summary>
    private static readonly ReplicateInputs Kontext = new(
        "prompt", "aspect_ratio", "num_inference_steps", "guidance", "seed", "output_format", "output_quality", "go_fast", "disable_safety_checker",
        "input_image", "image", "images", "input_images")
    {
        AnswersOne = true,
    };

    private static readonly ReplicateInputs Xl = new(
        "prompt", "negative_prompt", "image", "mask", "width", "height", "num_outputs", "scheduler", "num_inference_steps", "guidance_scale",
        "prompt_strength", "seed", "refine", "high_noise_frac", "refine_steps", "apply_watermark", "lora_scale", "replicate_weights",
        "disable_safety_checker")
    {
        DefaultType = Picture.Png,
    };

    private static readonly Dictionary<string, (int Width, int Height)> Sizes = new(StringComparer.Ordinal)
    {
        ["1:1"] = (1024, 1024),
        ["16:9"] = (1344, 768),
        ["21:9"] = (1536, 640),
        ["3:2"] = (1216, 832),
        ["2:3"] = (832, 1216),
        ["4:5"] = (896, 1088),
        ["5:4"] = (1088, 896),
        ["3:4"] = (896, 1152),
        ["4:3"] = (1152, 896),
        ["9:16"] = (768, 1344),
        ["9:21"] = (640, 1536),
    };

    public string DefaultType { get; private init; } = Picture.Webp;

    public bool AnswersOne { get; private init; }

    public static ReplicateInputs Of(Offer offer) => offer.ProviderId switch
    {
        _ when offer.TakesPictures => Kontext,
        _ when offer.ProviderId.Contains("schnell", StringComparison.Ordinal) => Schnell,
        _ when offer.ProviderId.Contains("sdxl", StringComparison.Ordinal) => Xl,
        _ => Dev,
    };

    public static (int Width, int Height) SizeOf(JsonElement input)
    {
        if (!Sizes.TryGetValue(input.Member("aspect_ratio").Text() ?? "", out var size))
        {
            size = ((int)(input.Member("width").Number() ?? 1024), (int)(input.Member("height").Number() ?? 1024));
        }

        return input.Member("megapixels").Text() is "0.25" ? (size.Width / 2, size.Height / 2) : size;
    }

    public Answer? Refuse(JsonElement input, Offer offer)
    {
        if (input.Member("prompt").Text() is null)
        {
            return Refusal("input", "prompt is required", "required");
        }

        if (input.EnumerateObject().FirstOrDefault(member => !Names.Contains(member.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } unknown)
        {
            return Refusal("input", $"Additional property {unknown.Name} is not allowed", "additional_property_not_allowed");
        }

        if (input.Member("aspect_ratio").Text() is { } ratio and not "match_input_image" && !Sizes.ContainsKey(ratio))
        {
            var known = string.Join(", ", Sizes.Keys.Select(name => $"\"{name}\""));
            return Refusal("input.aspect_ratio", $"input.aspect_ratio must be one of the following: {known}", "enum");
        }

        return input.Member("num_inference_steps").Number() switch
        {
            { } steps when steps > offer.MostSteps => Refusal("input.num_inference_steps", $"Must be less than or equal to {offer.MostSteps}", "number_lte"),
            < 1 => Refusal("input.num_inference_steps", "Must be greater than or equal to 1", "number_gte"),
            _ => null,
        };
    }

    private static Answer Refusal(string field, string description, string type) => new(StatusCodes.Status422UnprocessableEntity, new JsonObject
    {
        ["title"] = "Input validation failed",
        ["detail"] = $"- {field}: {description}\n",
        ["status"] = StatusCodes.Status422UnprocessableEntity,
        ["invalid_fields"] = new JsonArray(new JsonObject { ["type"] = type, ["field"] = field, ["description"] = description }),
    });
}
