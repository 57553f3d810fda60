namespace Lumiku.Gateway.Entitlements;

/// <summary>What one subscription tier may do, and how much of it. Bound from <c>Tiers:{tier}</c>.</summary>
internal sealed class TierOptions : UsageLimits
{
    /// <summary>Names that models ask for in <c>Requires</c>, matched without regard to case. None by default.</summary>
    public IReadOnlyList<string> Entitlements { get; init; } = [];
}
