using System.Collections.Frozen;
using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Entitlements;

/// <summary>All tiers by name, case ignored.</summary>
internal sealed class TierCatalog
{
    private readonly FrozenDictionary<string, Tier> _tiers;

    public TierCatalog(Dictionary<string, TierOptions?> options, string defaultTier, SettingsReader read)
    {
        _tiers = options.ToFrozenDictionary(
            pair => pair.Key,
            pair => new Tier(pair.Key, (pair.Value?.Entitlements ?? []).ToFrozenSet(StringComparer.OrdinalIgnoreCase), pair.Value ?? UsageLimits.None),
            StringComparer.OrdinalIgnoreCase);
        foreach (var tier in _tiers.Values)
        {
            tier.Limits.Check($"Tiers:{tier.Name}", read);
        }

        Operator = new Tier("operator", Entitlements.ToFrozenSet(StringComparer.OrdinalIgnoreCase), UsageLimits.None);
        if (Find(defaultTier) is { } found)
        {
            Default = found;
        }
        else
        {
            read.Refuse("DefaultTier", $"is '{defaultTier}', which Tiers does not have ({Names}){NearestName.Hint(defaultTier, _tiers.Keys)}");
        }
    }

    /// <summary>The tier of a user for whom the caller names none.</summary>
    public Tier Default { get; } = new("free", FrozenSet<string>.Empty, UsageLimits.None);

    /// <summary>By which the operator's own requests are served: with every entitlement and no limits. Nobody can name it.</summary>
    public Tier Operator { get; }

    /// <summary>The names, for a message.</summary>
    public string Names => string.Join(", ", _tiers.Values.Select(tier => tier.Name).Order(StringComparer.Ordinal));

    /// <summary>True where some tier has it: a model that requires another could never be served.</summary>
    public bool Grants(string entitlement) => _tiers.Values.Any(tier => tier.Has(entitlement));

    /// <summary>All that some tier has.</summary>
    public IEnumerable<string> Entitlements => _tiers.Values.SelectMany(tier => tier.Entitlements).Distinct(StringComparer.OrdinalIgnoreCase);

    public IEnumerable<Tier> All => _tiers.Values;

    public Tier? Find(string name) => _tiers.GetValueOrDefault(name);

    /// <summary>Who is served by which rules. The caller's own tier and limits are for its own requests; a user for whom it names no tier is at the default one.</summary>
    /// <returns>Null where there is no tier of this name.</returns>
    public Identity? Identify(Caller caller, string? user, string? tierName)
    {
        var ownLimits = user is null && tierName is null ? caller.Limits : null;
        tierName ??= user is null ? caller.Tier : null;
        return (tierName is null ? Default : Find(tierName)) is { } tier ? new Identity(caller.Name, user, tier, ownLimits ?? tier.Limits) : null;
    }
}
