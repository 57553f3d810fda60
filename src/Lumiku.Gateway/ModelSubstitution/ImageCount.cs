using System.Collections.Frozen;
using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>How many images a request asks for. One is what callers get and pay for, so no more are ordered, whoever makes them.</summary>
internal static class ImageCount
{
    /// <summary>Diffusers' name, and those of providers behind Hugging Face's router and of their models.</summary>
    private static readonly FrozenSet<string> Names = FrozenSet.ToFrozenSet(
    [
        "num_images_per_prompt", "num_images", "num_outputs", "n",
        "number_of_images", "num_samples", "samples", "sample_count", "image_count", "max_images", "batch_size", "batch_count",
    ], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a parameter of this name is left out.</summary>
    public static bool IsSaidBy(string name) => Names.Contains(name);

    /// <summary>Pipelines make an image of each member of a list.</summary>
    /// <param name="name"><c>inputs</c>, or a parameter.</param>
    /// <exception cref="RefusedParameterException">It is a list of several prompts or pictures.</exception>
    public static void CheckOne(string name, JsonElement value)
    {
        if (name is "inputs" or "prompt" && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 1)
        {
            throw new RefusedParameterException($"'{name}' must be one prompt or picture, as a request is for one image; it is {InferenceJson.Describe(value)}.");
        }
    }
}
