using System.Collections.Concurrent;
using Lumiku.Gateway.Entitlements;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Counts use in this process. Owners do not wait for each other; one owner's decisions come one after the other.</summary>
/// <remarks>
/// The wall clock decides only which day and month it is. Everything that lapses does so by a clock that cannot be set, so that counts
/// survive clocks that jump. Owners with nothing left to remember are dropped every minute.
/// </remarks>
internal sealed class MemoryLimitStore : ILimitStore, IDisposable
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Owner, OwnerUsage> _owners = [];
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly ITimer _sweep;

    public MemoryLimitStore(TimeProvider time)
    {
        _time = time;
        _began = time.GetTimestamp();
        _sweep = time.CreateTimer(_ => Sweep(), state: null, SweepInterval, SweepInterval);
    }

    /// <summary>Owners about whom something is remembered.</summary>
    public int Count => _owners.Count;

    private TimeSpan Now => _time.GetElapsedTime(_began);

    public ValueTask<Admission> AdmitAsync(Account account, bool takesSlot)
    {
        using var entered = Enter(account);
        var (usage, limits, now) = (entered.Usage, account.Limits, entered.Now);
        var violated = LimitPolicies.None;
        if (usage.Bucket(limits, now).RequestIn(limits) > TimeSpan.Zero)
        {
            violated |= LimitPolicies.Requests;
        }

        if (takesSlot && usage.Running >= limits.ConcurrentRequests)
        {
            violated |= LimitPolicies.Concurrency;
        }

        var lease = violated == LimitPolicies.None ? Take(usage, account, takesSlot, now) : null;
        return new(new Admission(lease, violated, entered.Look(account)));
    }

    public ValueTask<LimitUsage> ReleaseAsync(RequestLease lease, Account account)
    {
        var held = (MemoryLease)lease;
        using var entered = Enter(held);
        held.IsReleased = true;
        entered.Usage.LetGo(held);
        return new(entered.Look(account));
    }

    public ValueTask RenewAsync(IReadOnlyCollection<RequestLease> leases)
    {
        foreach (var lease in leases.Cast<MemoryLease>())
        {
            using var entered = Enter(lease);
            if (!lease.IsReleased)
            {
                Renew(lease, entered.Now);
            }
        }

        return default;
    }

    public ValueTask<Booking> ReserveAsync(Account account, int units, TimeSpan lapsesAfter)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(units);
        using var entered = Enter(account);
        var found = entered.Look(account);
        var violated = (found.Day.Fits(units, account.Limits.UnitsPerDay) ? LimitPolicies.None : LimitPolicies.Day)
            | (found.Month.Fits(units, account.Limits.UnitsPerMonth) ? LimitPolicies.None : LimitPolicies.Month);
        if (violated != LimitPolicies.None)
        {
            return new(new Booking(Reservation: null, violated, found));
        }

        var reservation = new UnitReservation(Guid.CreateVersion7(found.At), account.Owner, units);
        entered.Usage.Reserve(reservation.Id, units, found.Periods, found.At, entered.Now, entered.Now + lapsesAfter);
        return new(new Booking(reservation, violated, entered.Look(account)));
    }

    public ValueTask SettleAsync(UnitReservation reservation, int used)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(used);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(used, reservation.Units);
        if (_owners.TryGetValue(reservation.Owner, out var usage))
        {
            lock (usage)
            {
                usage.Settle(reservation.Id, used);
            }
        }

        return default;
    }

    /// <summary>Writes down what another store has admitted, whatever the limits.</summary>
    /// <returns>Null where no slot is taken.</returns>
    public RequestLease? Note(Account account, bool takesSlot)
    {
        using var entered = Enter(account);
        return Take(entered.Usage, account, takesSlot, entered.Now);
    }

    /// <summary>Writes down what another store has reserved, whatever the limits.</summary>
    public void Note(Account account, UnitReservation reservation, TimeSpan lapsesAfter)
    {
        using var entered = Enter(account);
        entered.Usage.Reserve(reservation.Id, reservation.Units, account.Calendar.At(entered.Clock), entered.Clock, entered.Now, entered.Now + lapsesAfter);
    }

    public ValueTask<LimitUsage> LookAsync(Account account)
    {
        // Who is not known is not made known by it.
        using var entered = Entered.Into(_owners.GetValueOrDefault(account.Owner) ?? new OwnerUsage(), this);
        return new(entered.Look(account));
    }

    public ValueTask<LimitUsage> GrantAsync(Account account, int units)
    {
        using var entered = Enter(account.Owner);
        entered.Usage.Grant(units, account.Calendar.At(entered.Clock), entered.Clock, entered.Now);
        return new(entered.Look(account));
    }

    public ValueTask<LimitUsage> ResetAsync(Account account)
    {
        using var entered = Entered.Into(_owners.GetValueOrDefault(account.Owner) ?? new OwnerUsage(), this);
        entered.Usage.Reset(account.Calendar.At(entered.Clock));
        return new(entered.Look(account));
    }

    public void Dispose() => _sweep.Dispose();

    /// <summary>For a use, of which the tier is remembered.</summary>
    private Entered Enter(Account account)
    {
        var entered = Enter(account.Owner);
        entered.Usage.LastTier = account.Tier;
        return entered;
    }

    private Entered Enter(Owner owner)
    {
        while (true)
        {
            var entered = Entered.Into(_owners.GetOrAdd(owner, static _ => new OwnerUsage()), this);
            if (!entered.Usage.IsDropped)
            {
                return entered;
            }

            // Swept up at this very moment.
            entered.Dispose();
        }
    }

    /// <summary>The usage that a lease is held in.</summary>
    private Entered Enter(MemoryLease lease)
    {
        while (true)
        {
            var entered = Entered.Into(lease.Usage, this);
            if (entered.Usage == lease.Usage)
            {
                return entered;
            }

            entered.Dispose();
        }
    }

    private static MemoryLease? Take(OwnerUsage usage, Account account, bool takesSlot, TimeSpan now)
    {
        usage.TakeRequest(account.Limits, now);
        if (!takesSlot)
        {
            return null;
        }

        var lease = new MemoryLease(account.Owner, usage);
        usage.Hold(lease, now);
        return lease;
    }

    /// <summary>Its owner may have been dropped after it had lapsed: it is held in a new one then.</summary>
    private void Renew(MemoryLease lease, TimeSpan now)
    {
        if (lease.Usage.IsDropped)
        {
            using var entered = Enter(lease.Owner);
            lease.Usage = entered.Usage;
            lease.Usage.Hold(lease, now);
        }
        else
        {
            lease.Usage.Hold(lease, now);
        }
    }

    private void Sweep()
    {
        var (now, clock) = (Now, _time.GetUtcNow());
        foreach (var (owner, usage) in _owners)
        {
            lock (usage)
            {
                if (usage.TryDrop(now, clock))
                {
                    _owners.TryRemove(new KeyValuePair<Owner, OwnerUsage>(owner, usage));
                }
            }
        }
    }

    /// <summary>An owner's usage with its lock held, at one moment, what has lapsed by then let go of.</summary>
    private readonly ref struct Entered : IDisposable
    {
        private Entered(OwnerUsage usage, TimeSpan now, DateTimeOffset clock) => (Usage, Now, Clock) = (usage, now, clock);

        public OwnerUsage Usage { get; }

        public TimeSpan Now { get; }

        public DateTimeOffset Clock { get; }

        public static Entered Into(OwnerUsage usage, MemoryLimitStore store)
        {
            Monitor.Enter(usage);
            var (now, clock) = (store.Now, store._time.GetUtcNow());
            usage.Lapse(now, clock);
            return new Entered(usage, now, clock);
        }

        public LimitUsage Look(Account account)
        {
            var (left, nextIn) = Usage.Bucket(account.Limits, Now).Left(account.Limits);
            var periods = account.Calendar.At(Clock);
            return new LimitUsage(
                account.Limits, left, nextIn, Usage.Running, Usage.Count(PeriodKind.Day, periods.Day), Usage.Count(PeriodKind.Month, periods.Month), periods, Clock, Usage.LastTier);
        }

        public void Dispose() => Monitor.Exit(Usage);
    }
}
