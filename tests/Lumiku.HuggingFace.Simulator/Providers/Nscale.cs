using System.Text.Json;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <remarks>Which format nscale makes is not known: the official client labels the bytes image/jpeg unseen. Here they are a PNG's.</remarks>
internal sealed class Nscale() : OpenAiImages("nscale")
{
    private static readonly string[] Unknown = ["num_inference_steps", "steps", "guidance_scale", "width", "height"];

    public override Answer? Refuse(JsonElement input, Offer offer)
    {
        if (input.Member("prompt").Text() is null)
        {
            return Refusal("prompt is required", "prompt");
        }

        if (input.Member("size").Text() is { } size && Sides(size, 'x') is null)
        {
            return Refusal($"size must be WIDTHxHEIGHT, not {size}", "size");
        }

        return Unknown.FirstOrDefault(name => input.Member(name).ValueKind != JsonValueKind.Undefined) is { } unknown
            ? Refusal($"Unknown parameter: {unknown}", unknown)
            : null;
    }

    public override Order OrderOf(JsonElement input, Offer offer)
    {
        var (width, height) = Sides(input.Member("size").Text(), 'x') ?? (1024, 1024);
        return new Order(Picture.Png, width, height, CountOf(input, "n"));
    }
}
