using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Where a generation books its units: reserved before it, settled after it. Hits and shared generations never come here.</summary>
internal interface IUnitLedger
{
    /// <summary>Reserves units for whoever opens a generation, all of them or none.</summary>
    /// <param name="units">0 or more: those of the model that is asked to serve.</param>
    /// <param name="lapsesAfter">When they are given back, if nobody has settled by then.</param>
    public ValueTask<UnitDecision> ReserveAsync(Account account, int units, TimeSpan lapsesAfter);

    /// <summary>Charges what was used and gives back the rest. A second call for the same reservation changes nothing.</summary>
    /// <param name="used">From 0, where no image came of it, to what was reserved.</param>
    public ValueTask SettleAsync(UnitReservation reservation, int used);
}

/// <summary>Exactly one of the two is there.</summary>
internal readonly record struct UnitDecision(UnitReservation? Reservation, GatewayProblem? Refusal);

/// <summary>Books in the store of limits, and words its refusals.</summary>
internal sealed class UnitLedger(ILimitStore store, GatewayMetrics metrics) : IUnitLedger
{
    public async ValueTask<UnitDecision> ReserveAsync(Account account, int units, TimeSpan lapsesAfter)
    {
        var (reservation, violated, usage) = await store.ReserveAsync(account, units, lapsesAfter);
        metrics.UnitsReserved(reservation?.Units ?? 0);
        return new UnitDecision(reservation, reservation is null ? LimitProblems.QuotaExceeded(account, violated, usage, units) : null);
    }

    public ValueTask SettleAsync(UnitReservation reservation, int used)
    {
        metrics.UnitsSettled(used, reservation.Units - used);
        return store.SettleAsync(reservation, used);
    }
}
