using System.Text.Json.Serialization;

namespace Lumiku.Gateway.Commands.Discovery;

/// <summary>Who serves a model, as the Hub knows it.</summary>
/// <param name="Error">Why that is not known, as a sentence; else null.</param>
/// <param name="Served">What the settings could list for the model: live, images, and in a dialect that we speak.</param>
internal sealed record DiscoveredModel(string Model, string? Error, IReadOnlyList<DiscoveredProvider> Providers, IReadOnlyList<ServedBy> Served)
{
    public static DiscoveredModel Unknown(string model, string error) => new(model, error, [], []);

    /// <param name="providers">As the Hub lists them.</param>
    /// <param name="upstreams">Names of the settings' upstreams.</param>
    public static DiscoveredModel Of(string model, IEnumerable<HubProvider> providers, IReadOnlyList<string> upstreams)
    {
        DiscoveredProvider[] known = [.. providers.Select(provider => DiscoveredProvider.Of(provider, upstreams))];
        return new DiscoveredModel(model, Error: null, known, [.. known.Where(provider => provider.MakesImages()).DistinctBy(provider => provider.Provider).Select(provider => ServedBy.Of(model, provider))]);
    }
}

/// <param name="ProviderId">The model's name there.</param>
/// <param name="Status"><c>live</c>, <c>staging</c> or <c>error</c>.</param>
/// <param name="Upstream">The settings' upstream of that name; null: none.</param>
/// <param name="HasDialect">We know how to ask it.</param>
internal sealed record DiscoveredProvider(string Provider, string ProviderId, string? Task, string? Status, string? Upstream, bool HasDialect)
{
    public const string HuggingFace = "hf-inference";

    private static readonly string[] Dialects = [HuggingFace, "nscale", "together", "fal-ai", "replicate", "wavespeed"];

    public static DiscoveredProvider Of(HubProvider provider, IReadOnlyList<string> upstreams) => new(
        provider.Name, provider.ProviderId, provider.Task, provider.Status,
        upstreams.FirstOrDefault(name => name.Equals(provider.Name, StringComparison.OrdinalIgnoreCase)), Dialects.Contains(provider.Name));

    /// <summary>An upstream that the settings have or could have makes images of it.</summary>
    public bool MakesImages() => HasDialect && Status == "live" && Task?.EndsWith("-to-image", StringComparison.Ordinal) != false;
}

/// <summary>An entry of a model's <c>Served</c> in the settings.</summary>
/// <param name="ProviderModelId">Null where it is the model's own id.</param>
internal sealed record ServedBy(string Upstream, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ProviderModelId)
{
    public static ServedBy Of(string model, DiscoveredProvider provider) =>
        new(provider.Upstream ?? provider.Provider, provider.Provider == DiscoveredProvider.HuggingFace && provider.ProviderId == model ? null : provider.ProviderId);
}
