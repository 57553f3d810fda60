namespace Lumiku.HuggingFace.Simulator.Models;

/// <summary>The pipelines with the keywords they know. Those without a list of keywords swallow any.</summary>
internal static class Pipelines
{
    public static Pipeline Flux { get; } = new(
        "FluxPipeline",
        "text-to-image",
        ParameterChecks.PromptIsText,
        ParameterChecks.PromptIsGivenOnce,
        ParameterChecks.OnlyKeywords(
            "prompt_2", "negative_prompt", "negative_prompt_2", "true_cfg_scale", "height", "width", "num_inference_steps", "sigmas",
            "guidance_scale", "num_images_per_prompt", "max_sequence_length", "seed"),
        ParameterChecks.SequenceIsShort);

    public static Pipeline StableDiffusion3 { get; } = new(
        "StableDiffusion3Pipeline",
        "text-to-image",
        ParameterChecks.PromptIsText,
        ParameterChecks.PromptIsGivenOnce,
        ParameterChecks.OnlyKeywords(
            "prompt_2", "prompt_3", "negative_prompt", "negative_prompt_2", "negative_prompt_3", "height", "width", "num_inference_steps",
            "sigmas", "guidance_scale", "num_images_per_prompt", "max_sequence_length", "skip_guidance_layers",
            "skip_layer_guidance_scale", "skip_layer_guidance_stop", "skip_layer_guidance_start", "seed"),
        ParameterChecks.SidesDivideBy(16),
        ParameterChecks.SequenceIsShort);

    public static Pipeline StableDiffusionXl { get; } = new(
        "StableDiffusionXLPipeline",
        "text-to-image",
        ParameterChecks.PromptIsText,
        ParameterChecks.PromptIsGivenOnce,
        ParameterChecks.SidesDivideBy(8));

    public static Pipeline StableDiffusion { get; } = new(
        "StableDiffusionPipeline",
        "text-to-image",
        ParameterChecks.PromptIsText,
        ParameterChecks.PromptIsGivenOnce,
        ParameterChecks.SidesDivideBy(8));

    public static Pipeline ControlNet { get; } = new(
        "StableDiffusionControlNetPipeline", "image-to-image", ParameterChecks.SidesDivideBy(8));

    public static Pipeline Inpainting { get; } = new(
        "StableDiffusionInpaintPipeline", "image-to-image", ParameterChecks.StrengthIsAFraction, ParameterChecks.SidesDivideBy(8));

    public static Pipeline PhotoMaker { get; } = new(
        "PhotoMakerStableDiffusionXLPipeline",
        "text-to-image",
        ParameterChecks.IdentityIsGiven,
        ParameterChecks.PromptHasTheTriggerWord,
        ParameterChecks.SidesDivideBy(8));

    public static Pipeline Segmentation { get; } = new("ImageSegmentationPipeline", "image-segmentation") { MakesPictures = false };
}
