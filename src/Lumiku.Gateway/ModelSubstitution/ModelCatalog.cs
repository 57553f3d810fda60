using System.Collections.Frozen;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>All listed models, and who may have which.</summary>
internal sealed class ModelCatalog
{
    private static readonly ModelOptions UnlistedModel = new();

    private readonly FrozenDictionary<string, Model> _models;
    private readonly UnlistedModels _unlisted;

    public ModelCatalog(ModelsOptions options, TierCatalog tiers, SettingsReader read)
    {
        _unlisted = options.Unlisted;
        _models = options.Catalog.ToFrozenDictionary(pair => pair.Key, pair => new Model(pair.Key, pair.Value ?? UnlistedModel), StringComparer.OrdinalIgnoreCase);
        foreach (var model in _models.Values)
        {
            Check(model, tiers, read);
        }
    }

    /// <returns>The listed model; one made up for an unlisted id; null where unlisted models are denied.</returns>
    public Model? Find(string id) => _models.GetValueOrDefault(id) ?? (_unlisted == UnlistedModels.Allow ? new Model(id, UnlistedModel) : null);

    /// <summary>The requested model, or the first of its substitutes that the tier may have.</summary>
    /// <returns>Null where the tier may have none of them.</returns>
    public ModelChoice? Choose(Model requested, Tier tier)
    {
        var served = requested;
        while (!tier.Has(served.Options.Requires))
        {
            if (served.Options.Substitute is not { } substitute)
            {
                return null;
            }

            // Checked with the settings: it is listed, and the chain ends.
            served = _models[substitute];
        }

        return new ModelChoice(requested, served);
    }

    private void Check(Model model, TierCatalog tiers, SettingsReader read)
    {
        var key = $"Models:Catalog:{model.Id}";
        var options = model.Options;
        if (!ModelPath.IsModelId(model.Id))
        {
            read.Refuse(key, "is no model id: one or two segments of letters, digits, '.', '_' and '-'");
        }

        if (options.Requires is { } entitlement && !tiers.Grants(entitlement))
        {
            read.Refuse($"{key}:Requires", $"is '{entitlement}', which no tier has among its Entitlements");
        }

        if (options.WaitLimit is { } wait && (wait < TimeSpan.FromSeconds(1) || wait > TimeSpan.FromHours(1)))
        {
            read.Refuse($"{key}:WaitLimit", $"must be between 00:00:01 and 01:00:00 and is {wait}");
        }

        foreach (var (name, multiple) in options.Parameters.MultipleOf)
        {
            if (multiple < 1 || multiple != decimal.Truncate(multiple))
            {
                read.Refuse($"{key}:Parameters:MultipleOf:{name}", $"must be a whole number of at least 1 and is {multiple}");
            }
        }

        CheckSubstitutes(model, read);
    }

    private void CheckSubstitutes(Model model, SettingsReader read)
    {
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase) { model.Id };
        for (var current = model; current.Options.Substitute is { } substitute;)
        {
            var key = $"Models:Catalog:{current.Id}:Substitute";
            if (!_models.TryGetValue(substitute, out var next))
            {
                read.Refuse(key, $"is '{substitute}', which Models:Catalog does not have");
                return;
            }

            if (!seen.Add(substitute))
            {
                read.Refuse(key, $"leads back to '{substitute}': substitutes must not go round");
                return;
            }

            if (next.Options.Output != current.Options.Output)
            {
                read.Refuse(key, $"is '{substitute}', whose Output is {next.Options.Output} and not {current.Options.Output}");
            }

            current = next;
        }
    }
}
