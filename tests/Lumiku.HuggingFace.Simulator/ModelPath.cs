namespace Lumiku.HuggingFace.Simulator;

/// <summary>A model's address below <c>/hf-inference/models/</c>: one or two segments, perhaps with <c>/pipeline/{task}</c>.</summary>
internal sealed record ModelPath(string Model)
{
    public const string HfInference = "hf-inference";

    private const string Prefix = $"/{HfInference}/models/";

    /// <summary>Null when the target is not a model's. An escaped slash does not separate, so such an id is one that nobody knows.</summary>
    public static ModelPath? Parse(string target)
    {
        var path = target.Split('?')[0];
        if (!path.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null;
        }

        var segments = path[Prefix.Length..].Split('/');
        if (segments is [.., "pipeline", not ""])
        {
            segments = segments[..^2];
        }

        var wellFormed = segments.Length is 1 or 2 && !segments.Contains("");
        return wellFormed ? new ModelPath(string.Join('/', segments.Select(Unescape))) : null;
    }

    private static string Unescape(string segment) =>
        segment.Contains("%2f", StringComparison.OrdinalIgnoreCase) ? segment : Uri.UnescapeDataString(segment);
}
