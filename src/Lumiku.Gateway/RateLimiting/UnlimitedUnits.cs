using Lumiku.Gateway.Entitlements;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Nobody has a quota: every reservation is granted, and nothing is written down.</summary>
internal sealed class UnlimitedUnits : IUnitLedger
{
    public ValueTask<UnitDecision> ReserveAsync(Identity identity, int units) =>
        new(new UnitDecision(new UnitReservation(Guid.CreateVersion7(), identity, units), Refusal: null));

    public ValueTask SettleAsync(UnitReservation reservation, int used) => default;
}
