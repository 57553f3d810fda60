using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>A model as it is served.</summary>
/// <param name="Id">In the catalog's spelling; as the caller wrote it where the catalog does not have it.</param>
internal sealed record Model(string Id, ModelOptions Options)
{
    public bool MakesImages => Options.Output == ModelOutput.Image;

    /// <summary>The media type that its image is asked for in: the wanted one, or the first that it comes in.</summary>
    public string FormatFor(string wanted) => Options.Formats.Count == 0 || Options.Formats.Contains(wanted, StringComparer.OrdinalIgnoreCase) ? wanted : ImageMediaType.Known(Options.Formats[0]) ?? wanted;
}

/// <summary>Which model a request asked for and which serves it.</summary>
internal sealed record ModelChoice(Model Requested, Model Served)
{
    /// <summary>The value of <c>X-Lumiku-Substitution</c> where a tier lacks the requested model's entitlement.</summary>
    public const string ByEntitlement = "entitlement";

    /// <summary>The same where the requested model failed upstream and its fallback made the image.</summary>
    public const string ByUpstream = "upstream";

    public bool IsSubstituted => Requested != Served;
}
