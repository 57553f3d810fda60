using Lumiku.Gateway.Entitlements;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Where units are booked: reserved before a generation, settled after it. Hits and shared generations never come here.</summary>
internal interface IUnitLedger
{
    /// <summary>Reserves units for whoever opens a generation, all of them or none.</summary>
    /// <param name="units">0 or more: those of the model that is asked to serve.</param>
    public ValueTask<UnitDecision> ReserveAsync(Identity identity, int units);

    /// <summary>Charges what was used and gives back the rest. A second call for the same reservation changes nothing.</summary>
    /// <param name="used">From 0, where no image came of it, to what was reserved.</param>
    public ValueTask SettleAsync(UnitReservation reservation, int used);
}

/// <summary>Units set aside for one generation.</summary>
/// <param name="Id">Made by the gateway: callers choose request ids, so those name no money.</param>
internal sealed record UnitReservation(Guid Id, Identity Identity, int Units);

/// <summary>Exactly one of the two is there.</summary>
internal readonly record struct UnitDecision(UnitReservation? Reservation, GatewayProblem? Refusal);
