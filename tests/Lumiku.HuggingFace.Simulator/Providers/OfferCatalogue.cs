namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>Who serves what: the Hub's mapping of models to providers.</summary>
internal static class OfferCatalogue
{
    private const string Dev = "black-forest-labs/FLUX.1-dev";
    private const string Schnell = "black-forest-labs/FLUX.1-schnell";
    private const string Kontext = "black-forest-labs/FLUX.1-Kontext-dev";
    private const string Xl = "stabilityai/stable-diffusion-xl-base-1.0";

    /// <summary>In the order in which the Hub tells them.</summary>
    private static readonly Offer[] Offers =
    [
        new(Dev, "fal-ai", "fal-ai/flux/dev", Offer.TextToImage),
        new(Dev, "replicate", "black-forest-labs/flux-dev", Offer.TextToImage),
        new(Dev, "wavespeed", "wavespeed-ai/flux-dev", Offer.TextToImage),
        new(Dev, "hf-inference", Dev, Offer.TextToImage) { Status = "error" },
        new(Schnell, "nscale", Schnell, Offer.TextToImage),
        new(Schnell, "fal-ai", "fal-ai/flux/schnell", Offer.TextToImage) { MostSteps = 12 },
        new(Schnell, "together", Schnell, Offer.TextToImage) { MostSteps = 12 },
        new(Schnell, "replicate", "black-forest-labs/flux-schnell", Offer.TextToImage) { MostSteps = 4 },
        new(Xl, "nscale", Xl, Offer.TextToImage),
        new(Xl, "replicate", "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc", Offer.TextToImage) { MostSteps = 500 },
        new("stabilityai/stable-diffusion-3-medium-diffusers", "hf-inference", "stabilityai/stable-diffusion-3-medium-diffusers", Offer.TextToImage),
        new(Kontext, "fal-ai", "fal-ai/flux-kontext/dev", Offer.ImageToImage),
        new(Kontext, "replicate", "black-forest-labs/flux-kontext-dev", Offer.ImageToImage),
        new(Kontext, "together", "black-forest-labs/FLUX.1-kontext-dev", Offer.ImageToImage),
        new(Kontext, "wavespeed", "wavespeed-ai/flux-kontext-dev", Offer.ImageToImage),
        new("runwayml/stable-diffusion-inpainting", "fal-ai", "fal-ai/inpaint", Offer.ImageToImage),
        new("lllyasviel/control_v11p_sd15_openpose", "fal-ai", "fal-ai/sd15-controlnet-openpose", Offer.ImageToImage), // Made up: no such app was ever seen.
    ];

    private static readonly ILookup<string, Offer> ByModel = Offers.ToLookup(offer => offer.HuggingFaceId, StringComparer.Ordinal);

    /// <summary>All offers of a model; none for one that the Hub does not know.</summary>
    public static IEnumerable<Offer> Of(string huggingFaceId) => ByModel[huggingFaceId];

    /// <param name="providerId">Or, where ids end in a version, that version alone.</param>
    public static Offer? Find(string provider, string providerId) => Offers.FirstOrDefault(
        offer => offer.Provider == provider && (offer.ProviderId == providerId || offer.ProviderId.EndsWith(":" + providerId, StringComparison.Ordinal)));
}
