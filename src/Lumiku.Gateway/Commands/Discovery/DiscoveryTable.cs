using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lumiku.Gateway.Commands.Discovery;

/// <summary>What was discovered, for a terminal: a table, a sentence, and lines for the settings file.</summary>
internal static class DiscoveryTable
{
    private const string Nothing = "-";

    private static readonly string[] Heads = ["MODEL", "PROVIDER", "ID THERE", "TASK", "STATUS", "UPSTREAM"];
    private static readonly bool[] IsFigure = new bool[Heads.Length];

    public static string Of(IReadOnlyList<DiscoveredModel> models) => $"{AlignedColumns.Of(Heads, models.SelectMany(Rows), IsFigure)}\n{Sentence(models)}\n{Lines(models)}{Missing(models)}";

    private static IEnumerable<string[]> Rows(DiscoveredModel model) =>
        model.Providers.Count == 0
            ? [[model.Model, Nothing, Nothing, Nothing, Nothing, model.Error ?? "nobody serves it"]]
            : model.Providers.Select(provider => new[] { model.Model, provider.Provider, provider.ProviderId, provider.Task ?? Nothing, provider.Status ?? Nothing, Upstream(provider) });

    private static string Upstream(DiscoveredProvider provider) =>
        !provider.HasDialect ? "no dialect" : provider.Upstream is { } name ? OneLine.Of(name) : "not in the settings";

    private static string Sentence(IReadOnlyList<DiscoveredModel> models) =>
        string.Create(CultureInfo.InvariantCulture, $"{models.Count(model => model.Served.Count > 0)} of {models.Count} models are live where the gateway can ask for them.");

    private static string Lines(IReadOnlyList<DiscoveredModel> models)
    {
        var served = models.Where(model => model.Served.Count > 0).ToList();
        return served.Count == 0 ? "" : $"For Models:Catalog, beside what an entry there says already:\n\n{string.Join(",\n", served.Select(Entry))}\n";
    }

    private static string Entry(DiscoveredModel model)
    {
        var entry = new StringBuilder($"{Quoted(model.Model)}: {{\n  \"Served\": [\n");
        entry.AppendJoin(",\n", model.Served.Select(by => $"    {{ \"Upstream\": {Quoted(by.Upstream)}{(by.ProviderModelId is { } id ? $", \"ProviderModelId\": {Quoted(id)}" : "")} }}"));
        return entry.Append("\n  ]\n}").ToString();
    }

    private static string Missing(IReadOnlyList<DiscoveredModel> models)
    {
        string[] missing = [.. models.SelectMany(model => model.Providers).Where(provider => provider.MakesImages() && provider.Upstream is null).Select(provider => provider.Provider).Distinct()];
        return missing.Length == 0 ? "" : $"\nUpstreams has no {string.Join(", no ", missing)}: add those that should serve, or leave their lines out.\n";
    }

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
