using System.Collections.Concurrent;
using Lumiku.Gateway.RateLimiting;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Writes down what is reserved and settled; grants whatever the test does not decide.</summary>
internal sealed class RecordingLedger : IUnitLedger
{
    private readonly ConcurrentQueue<string> _asked = [];
    private readonly ConcurrentQueue<UnitReservation> _reserved = [];
    private readonly ConcurrentQueue<(Guid Id, int Used)> _settled = [];

    /// <summary>Who asked to reserve, in order, granted or not.</summary>
    public IReadOnlyCollection<string> Asked => _asked;

    public IReadOnlyCollection<UnitReservation> Reserved => _reserved;

    /// <summary>What was used of the reservations, in their order; checks that each was settled once.</summary>
    public int[] Used => [.. _reserved.Select(reservation => _settled.Where(settled => settled.Id == reservation.Id).ShouldHaveSingleItem().Used)];

    /// <summary>What happens before a user's reservation is granted: null grants it.</summary>
    public Func<string, Task<GatewayProblem?>> Decide { get; set; } = _ => Task.FromResult<GatewayProblem?>(null);

    /// <summary>Writes it down, and throws.</summary>
    public bool BreaksOnSettling { get; set; }

    public async ValueTask<UnitDecision> ReserveAsync(Account account, int units, TimeSpan lapsesAfter)
    {
        _asked.Enqueue(account.Owner.Id);
        if (await Decide(account.Owner.Id) is { } refusal)
        {
            return new UnitDecision(Reservation: null, refusal);
        }

        var reservation = new UnitReservation(Guid.NewGuid(), account.Owner, units);
        _reserved.Enqueue(reservation);
        return new UnitDecision(reservation, Refusal: null);
    }

    public ValueTask SettleAsync(UnitReservation reservation, int used)
    {
        _settled.Enqueue((reservation.Id, used));
        return BreaksOnSettling ? throw new InvalidOperationException("The ledger is broken.") : default;
    }
}
