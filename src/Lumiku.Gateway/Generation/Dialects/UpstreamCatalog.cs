using System.Collections.Frozen;
using Lumiku.Gateway.Generation.Fetching;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>All upstreams that settings name, and which of them make which model's images.</summary>
internal sealed class UpstreamCatalog
{
    private static readonly IDialect[] Dialects = [new HfInferenceDialect(), new OpenAIImagesDialect(), new FalDialect(), new ReplicateDialect(), new WaveSpeedDialect()];

    private readonly Dictionary<string, UpstreamOptions> _upstreams;
    private readonly FrozenDictionary<string, IReadOnlyList<Serving>> _servings;

    public UpstreamCatalog(Dictionary<string, UpstreamOptions?> upstreams, ModelCatalog models, SettingsReader read)
    {
        _upstreams = new(upstreams.Select(pair => KeyValuePair.Create(pair.Key, pair.Value ?? new UpstreamOptions())), StringComparer.OrdinalIgnoreCase);
        foreach (var (name, upstream) in _upstreams)
        {
            Check($"Upstreams:{name}", upstream, read);
        }

        _servings = models.All.ToFrozenDictionary(model => model.Id, model => (IReadOnlyList<Serving>)ServingsOf(model, read), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>All, by name.</summary>
    public IReadOnlyDictionary<string, UpstreamOptions> All => _upstreams;

    /// <summary>Those that make a model's images, in the order in which they are asked; none: the route that the request matched leads to the one.</summary>
    public IReadOnlyList<Serving> Of(Model model) => _servings.GetValueOrDefault(model.Id, []);

    public static IDialect? DialectOf(UpstreamOptions upstream) => Array.Find(Dialects, dialect => dialect.Name.Equals(upstream.Dialect, StringComparison.OrdinalIgnoreCase));

    private static void Check(string key, UpstreamOptions upstream, SettingsReader read)
    {
        if (upstream.Dialect is null)
        {
            read.Refuse($"{key}:Dialect", $"is missing; there are {string.Join(", ", Dialects.Select(dialect => dialect.Name))}");
        }

        foreach (var (index, host) in upstream.ImageHosts.Index())
        {
            if (ImageHosts.Check(host) is { } problem)
            {
                read.Refuse($"{key}:ImageHosts:{index}", problem);
            }
        }

        CheckRules(key, upstream, upstream.Parameters, read);
    }

    private static void CheckRules(string key, UpstreamOptions upstream, ProviderRules rules, SettingsReader read)
    {
        var saysSomething = rules is not { Remove: [], Refuse: [], Maximum.Count: 0, MultipleOf.Count: 0, Default.Count: 0, Rename.Count: 0, Set.Count: 0, Size: null, Format: null };
        if (saysSomething && DialectOf(upstream) is HfInferenceDialect)
        {
            read.Refuse($"{key}:Parameters", "has no effect with the dialect hf-inference, which takes what Models:Catalog:{id}:Parameters makes of a request");
        }

        if (rules.Set.Keys.FirstOrDefault(name => ReservedNames.AreSame(name, "prompt")) is { } prompt)
        {
            read.Refuse($"{key}:Parameters:Set:{prompt}", "would be a second prompt: callers say theirs");
        }

        if (DialectOf(upstream) is OpenAIImagesDialect && rules.Set.Keys.FirstOrDefault(name => ReservedNames.AreSame(name, "model")) is { } model)
        {
            read.Refuse($"{key}:Parameters:Set:{model}", "would be a second model: what it is called there is ProviderModelId of Served");
        }
    }

    private List<Serving> ServingsOf(Model model, SettingsReader read)
    {
        var key = $"Models:Catalog:{model.Id}";
        if (model.Options.NextOn is not null && model.Options.Served.Count < 2)
        {
            read.Refuse($"{key}:NextOn", "says when the next is asked, but Served does not name two");
        }

        if (model.Options.Served.Count > 0 && !model.MakesImages)
        {
            read.Refuse($"{key}:Served", $"is for models that make images; this one's Output is {model.Options.Output}");
        }

        List<Serving> servings = [];
        foreach (var (index, served) in model.Options.Served.Index())
        {
            if (ServingOf(model, served, $"{key}:Served:{index}", read) is { } serving)
            {
                servings.Add(serving);
            }
        }

        return servings;
    }

    private Serving? ServingOf(Model model, ServedOptions served, string key, SettingsReader read)
    {
        if (served.Upstream is not { } name)
        {
            read.Refuse($"{key}:Upstream", "is missing");
            return null;
        }

        if (!_upstreams.TryGetValue(name, out var upstream))
        {
            read.Refuse($"{key}:Upstream", $"is '{name}', which Upstreams does not have{NearestName.Hint(name, _upstreams.Keys)}");
            return null;
        }

        if (served.ProviderModelId is { } id && !IsModelId(id))
        {
            read.Refuse($"{key}:ProviderModelId", "is no model id: letters, digits, '.', '_', '-' and ':' between single slashes");
        }

        CheckRules(key, upstream, served.Parameters, read);
        if (DialectOf(upstream) is not { } dialect)
        {
            return null;
        }

        if (dialect is HfInferenceDialect && upstream.Route is null && served.ProviderModelId is not null)
        {
            read.Refuse($"{key}:ProviderModelId", $"needs a Route at Upstreams:{name}: without one the route is found by the model's own id");
        }

        if (dialect is HfInferenceDialect && served.Pictures.Count > 0)
        {
            read.Refuse($"{key}:Pictures", "has no effect with the dialect hf-inference, which is sent pictures as they come");
        }

        foreach (var picture in served.Pictures.Keys.Where(picture => !PictureOrder.Names.Contains(picture)))
        {
            read.Refuse($"{key}:Pictures:{picture}", $"is no picture that callers send: {string.Join(", ", PictureOrder.Names)}");
        }

        return new Serving(name, upstream, dialect, served.ProviderModelId ?? model.Id, served.Parameters.Over(upstream.Parameters.Over(dialect.Rules)), served);
    }

    /// <summary>It becomes part of a path.</summary>
    private static bool IsModelId(string id) =>
        id.Length is > 0 and <= 200 && !id.StartsWith('/') && !id.EndsWith('/') && !id.Contains("//", StringComparison.Ordinal) && !id.Contains("..", StringComparison.Ordinal)
        && id.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '.' or '_' or '-' or ':');
}
