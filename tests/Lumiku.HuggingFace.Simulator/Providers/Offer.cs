namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>A model that a provider serves behind Hugging Face's router.</summary>
/// <param name="HuggingFaceId">As spelled on the Hub.</param>
/// <param name="Provider">As the router's paths name it.</param>
/// <param name="ProviderId">What the provider calls the model.</param>
/// <param name="Task">As the Hub tags it.</param>
internal sealed record Offer(string HuggingFaceId, string Provider, string ProviderId, string Task)
{
    public const string TextToImage = "text-to-image";
    public const string ImageToImage = "image-to-image";

    /// <summary>Of the Hub's mapping: live, staging or error.</summary>
    public string Status { get; init; } = "live";

    public int MostSteps { get; init; } = 50;

    public bool TakesPictures => Task == ImageToImage;
}
