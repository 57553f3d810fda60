using System.Collections.Frozen;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>All listed models, and who may have which.</summary>
internal sealed class ModelCatalog
{
    private static readonly ModelOptions UnlistedModel = new();

    private readonly FrozenDictionary<string, Model> _models;

    public ModelCatalog(ModelsOptions options, TierCatalog tiers, SettingsReader read)
    {
        Unlisted = options.Unlisted;
        _models = options.Catalog.ToFrozenDictionary(pair => pair.Key, pair => new Model(pair.Key, pair.Value ?? UnlistedModel), StringComparer.OrdinalIgnoreCase);
        var doChainsEnd = true;
        foreach (var model in _models.Values)
        {
            doChainsEnd &= Check(model, tiers, read);
        }

        if (doChainsEnd)
        {
            foreach (var model in _models.Values)
            {
                CheckFallbacks(model, tiers, read);
            }
        }
    }

    /// <summary>All listed models, in the order of their ids.</summary>
    public IReadOnlyList<Model> All => [.. _models.Values.OrderBy(model => model.Id, StringComparer.OrdinalIgnoreCase)];

    public UnlistedModels Unlisted { get; }

    /// <summary>The model's id as a tag of a metric: what is not listed is <c>other</c>, as callers choose it.</summary>
    public string TagOf(string id) => _models.TryGetValue(id, out var model) ? model.Id : "other";

    /// <returns>The listed model; one made up for an unlisted id; null where unlisted models are denied.</returns>
    public Model? Find(string id) => _models.GetValueOrDefault(id) ?? (Unlisted == UnlistedModels.Allow ? new Model(id, UnlistedModel) : null);

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

    /// <summary>The model that serves where another failed upstream, as far as the tier may have it.</summary>
    /// <returns>Null where there is none, or none for this tier.</returns>
    public Model? FallbackOf(Model failed, Tier tier)
    {
        if (failed.Options.Fallback is not { } fallback)
        {
            return null;
        }

        // Checked with the settings: it is listed.
        var chosen = Choose(_models[fallback], tier)?.Served;
        return chosen == failed ? null : chosen;
    }

    /// <returns>Whether all that stand in are listed, and the chains of each kind by itself end.</returns>
    private bool Check(Model model, TierCatalog tiers, SettingsReader read)
    {
        var key = $"Models:Catalog:{model.Id}";
        var options = model.Options;
        if (!ModelPath.IsModelId(model.Id))
        {
            read.Refuse(key, "is no model id: one or two segments of letters, digits, '.', '_' and '-'");
        }

        if (options.Requires is { } entitlement && !tiers.Grants(entitlement))
        {
            read.Refuse($"{key}:Requires", $"is '{entitlement}', which no tier has among its Entitlements{NearestName.Hint(entitlement, tiers.Entitlements)}");
        }

        if (options is { Substitute: not null, Requires: null })
        {
            read.Refuse($"{key}:Substitute", "says who serves tiers without what it Requires, but it requires nothing: every tier has it");
        }

        if (!model.MakesImages)
        {
            RefuseForStreams("Fallback", options.Fallback);
            RefuseForStreams("WaitLimit", options.WaitLimit);
            RefuseForStreams("ConcurrentGenerations", options.ConcurrentGenerations);
        }

        if (options.FallbackOn is not null && options.Fallback is null)
        {
            read.Refuse($"{key}:FallbackOn", "says when, but no Fallback says which model");
        }

        return CheckChain(model, "Substitute", options => options.Substitute, read) & CheckChain(model, "Fallback", options => options.Fallback, read);

        void RefuseForStreams(string setting, object? value)
        {
            if (value is not null)
            {
                read.Refuse($"{key}:{setting}", $"is for models that make images; what Output {options.Output} is streams through");
            }
        }
    }

    /// <summary>Fallbacks as a tier meets them, with the substitutes for those that it lacks: that chain ends, too.</summary>
    private void CheckFallbacks(Model model, TierCatalog tiers, SettingsReader read)
    {
        foreach (var tier in tiers.All)
        {
            List<Model> chain = [model];
            var next = FallbackOf(model, tier);
            while (next is not null && !chain.Contains(next))
            {
                chain.Add(next);
                next = FallbackOf(next, tier);
            }

            if (next == model)
            {
                var way = string.Join(", ", chain.Skip(1).Select(standIn => $"'{standIn.Id}'"));
                read.Refuse($"Models:Catalog:{model.Id}:Fallback", $"leads the tier '{tier.Name}' back to '{model.Id}' by way of {way}: a chain of Fallback must end, also with the Substitute of what a tier lacks");
                return;
            }
        }
    }

    /// <summary>Models that stand in for each other: each is listed, makes the same kind of thing, and the chain ends.</summary>
    /// <returns>Whether they are listed and the chain ends.</returns>
    private bool CheckChain(Model model, string setting, Func<ModelOptions, string?> next, SettingsReader read)
    {
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase) { model.Id };
        for (var current = model; next(current.Options) is { } standIn;)
        {
            var key = $"Models:Catalog:{current.Id}:{setting}";
            if (!_models.TryGetValue(standIn, out var following))
            {
                read.Refuse(key, $"is '{standIn}', which Models:Catalog does not have{NearestName.Hint(standIn, _models.Keys)}");
                return false;
            }

            if (!seen.Add(standIn))
            {
                read.Refuse(key, $"leads back to '{standIn}': a chain of {setting} must end");
                return false;
            }

            if (following.Options.Output != current.Options.Output)
            {
                read.Refuse(key, $"is '{standIn}', whose Output is {following.Options.Output} and not {current.Options.Output}");
            }

            current = following;
        }

        return true;
    }
}
