using System.Globalization;
using System.Text.Json;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

internal sealed class Together() : OpenAiImages("together")
{
    public override Answer? Refuse(JsonElement input, Offer offer)
    {
        if (input.Member("prompt").Text() is null)
        {
            return Refusal("prompt is required", "prompt");
        }

        if (offer.TakesPictures && input.Member("image_url").Text() is null && input.Member("reference_images").ValueKind != JsonValueKind.Array)
        {
            return Refusal("image_url is required", "image_url");
        }

        return input.Member("steps").Number() is { } steps && (steps < 1 || steps > offer.MostSteps)
            ? Refusal(string.Create(CultureInfo.InvariantCulture, $"steps must be between 1 and {offer.MostSteps}"), "steps")
            : null;
    }

    public override Order OrderOf(JsonElement input, Offer offer) => new(
        input.Member("output_format").Text() is "png" ? Picture.Png : Picture.Jpeg,
        Side(input.Member("width").Number(), 1024),
        Side(input.Member("height").Number(), 1024),
        CountOf(input, "n"));

    protected override bool WantsUrls(JsonElement input) => input.Member("response_format").Text() is "url";
}
