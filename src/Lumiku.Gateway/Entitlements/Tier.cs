using System.Collections.Frozen;

namespace Lumiku.Gateway.Entitlements;

/// <summary>A subscription tier as it is served.</summary>
/// <param name="Name">In the spelling of the settings, whatever the caller's case.</param>
internal sealed record Tier(string Name, FrozenSet<string> Entitlements, UsageLimits Limits)
{
    /// <param name="entitlement">Null: nothing is asked for.</param>
    public bool Has(string? entitlement) => entitlement is null || Entitlements.Contains(entitlement);
}
