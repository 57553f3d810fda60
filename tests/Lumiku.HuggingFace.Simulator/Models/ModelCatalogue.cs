namespace Lumiku.HuggingFace.Simulator.Models;

/// <summary>The models that this Hugging Face serves.</summary>
internal static class ModelCatalogue
{
    private static readonly Dictionary<string, Model> Models = new Model[]
    {
        new("black-forest-labs/FLUX.1-dev", Pipelines.Flux),
        new("black-forest-labs/FLUX.1-schnell", Pipelines.Flux),
        new("stabilityai/stable-diffusion-3-medium-diffusers", Pipelines.StableDiffusion3),
        new("stabilityai/stable-diffusion-xl-base-1.0", Pipelines.StableDiffusionXl),
        new("stabilityai/stable-diffusion-2-1", Pipelines.StableDiffusion),
        new("lllyasviel/control_v11p_sd15_openpose", Pipelines.ControlNet),
        new("thibaud/controlnet-openpose-sdxl-1.0", Pipelines.ControlNet),
        new("runwayml/stable-diffusion-inpainting", Pipelines.Inpainting),
        new("TencentARC/PhotoMaker", Pipelines.PhotoMaker),
        new("TencentARC/PhotoMaker-V2", Pipelines.PhotoMaker),
        new("briaai/RMBG-1.4", Pipelines.Segmentation),
    }.ToDictionary(model => model.Id, StringComparer.Ordinal);

    public static Model? Find(string id) => Models.GetValueOrDefault(id);
}
