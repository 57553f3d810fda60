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
        var limits = account.Limits;
        var usage = Enter(account.Owner);
        try
        {
            usage.LastTier = account.Tier;
            var (now, clock) = (Now, _time.GetUtcNow());
            usage.Lapse(now, clock);
            var violated = LimitPolicies.None;
            if (usage.Bucket(limits, now).RequestIn(limits) > TimeSpan.Zero)
            {
                violated |= LimitPolicies.Requests;
            }

            if (takesSlot && usage.Running >= limits.ConcurrentRequests)
            {
                violated |= LimitPolicies.Concurrency;
            }

            MemoryLease? lease = null;
            if (violated == LimitPolicies.None)
            {
                lease = Take(usage, account, takesSlot, now);
            }

            return new(new Admission(lease, violated, Look(usage, account, now, clock)));
        }
        finally
        {
            Monitor.Exit(usage);
        }
    }

    public ValueTask<LimitUsage> ReleaseAsync(RequestLease lease, Account account)
    {
        var held = (MemoryLease)lease;
        var usage = Enter(held);
        try
        {
            var (now, clock) = (Now, _time.GetUtcNow());
            held.IsReleased = true;
            usage.LetGo(held);
            usage.Lapse(now, clock);
            return new(Look(usage, account, now, clock));
        }
        finally
        {
            Monitor.Exit(usage);
        }
    }

    public ValueTask RenewAsync(IReadOnlyCollection<RequestLease> leases)
    {
        foreach (var lease in leases.Cast<MemoryLease>())
        {
            var usage = Enter(lease);
            try
            {
                if (!lease.IsReleased)
                {
                    Renew(lease);
                }
            }
            finally
            {
                Monitor.Exit(usage);
            }
        }

        return default;
    }

    public ValueTask<Booking> ReserveAsync(Account account, int units, TimeSpan lapsesAfter)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(units);
        var usage = Enter(account.Owner);
        try
        {
            usage.LastTier = account.Tier;
            var (now, clock) = (Now, _time.GetUtcNow());
            usage.Lapse(now, clock);
            var found = Look(usage, account, now, clock);
            var violated = (found.Day.Fits(units, account.Limits.UnitsPerDay) ? LimitPolicies.None : LimitPolicies.Day)
                | (found.Month.Fits(units, account.Limits.UnitsPerMonth) ? LimitPolicies.None : LimitPolicies.Month);
            if (violated != LimitPolicies.None)
            {
                return new(new Booking(Reservation: null, violated, found));
            }

            var reservation = new UnitReservation(Guid.CreateVersion7(found.At), account.Owner, units);
            usage.Reserve(reservation.Id, units, found.Periods, found.At, now, now + lapsesAfter);
            return new(new Booking(reservation, violated, Look(usage, account, now, clock)));
        }
        finally
        {
            Monitor.Exit(usage);
        }
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
        var usage = Enter(account.Owner);
        try
        {
            usage.LastTier = account.Tier;
            return Take(usage, account, takesSlot, Now);
        }
        finally
        {
            Monitor.Exit(usage);
        }
    }

    /// <summary>Writes down what another store has reserved, whatever the limits.</summary>
    public void Note(Account account, UnitReservation reservation, TimeSpan lapsesAfter)
    {
        var usage = Enter(account.Owner);
        try
        {
            usage.LastTier = account.Tier;
            var (now, clock) = (Now, _time.GetUtcNow());
            usage.Lapse(now, clock);
            usage.Reserve(reservation.Id, reservation.Units, account.Calendar.At(clock), clock, now, now + lapsesAfter);
        }
        finally
        {
            Monitor.Exit(usage);
        }
    }

    public ValueTask<LimitUsage> LookAsync(Account account)
    {
        var (now, clock) = (Now, _time.GetUtcNow());
        if (!_owners.TryGetValue(account.Owner, out var usage))
        {
            return new(Look(new OwnerUsage(), account, now, clock));
        }

        lock (usage)
        {
            usage.Lapse(now, clock);
            return new(Look(usage, account, now, clock));
        }
    }

    public ValueTask<LimitUsage> GrantAsync(Account account, int units)
    {
        var usage = Enter(account.Owner);
        try
        {
            var (now, clock) = (Now, _time.GetUtcNow());
            usage.Lapse(now, clock);
            usage.Grant(units, account.Calendar.At(clock), clock, now);
            return new(Look(usage, account, now, clock));
        }
        finally
        {
            Monitor.Exit(usage);
        }
    }

    public ValueTask<LimitUsage> ResetAsync(Account account)
    {
        if (_owners.TryGetValue(account.Owner, out var usage))
        {
            lock (usage)
            {
                usage.Reset(account.Calendar.At(_time.GetUtcNow()));
            }
        }

        return LookAsync(account);
    }

    public void Dispose() => _sweep.Dispose();

    /// <summary>The owner's usage, its lock held.</summary>
    private OwnerUsage Enter(Owner owner)
    {
        while (true)
        {
            var usage = _owners.GetOrAdd(owner, static _ => new OwnerUsage());
            Monitor.Enter(usage);
            if (!usage.IsDropped)
            {
                return usage;
            }

            // Swept up at this very moment.
            Monitor.Exit(usage);
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

    /// <summary>The usage that a lease is held in, its lock held.</summary>
    private static OwnerUsage Enter(MemoryLease lease)
    {
        while (true)
        {
            var usage = lease.Usage;
            Monitor.Enter(usage);
            if (usage == lease.Usage)
            {
                return usage;
            }

            Monitor.Exit(usage);
        }
    }

    /// <summary>Its owner may have been dropped after it had lapsed: it is held in a new one then.</summary>
    private void Renew(MemoryLease lease)
    {
        if (!lease.Usage.IsDropped)
        {
            lease.Usage.Hold(lease, Now);
            return;
        }

        var usage = Enter(lease.Owner);
        try
        {
            lease.Usage = usage;
            usage.Hold(lease, Now);
        }
        finally
        {
            Monitor.Exit(usage);
        }
    }

    private static LimitUsage Look(OwnerUsage usage, Account account, TimeSpan now, DateTimeOffset clock)
    {
        var (left, nextIn) = usage.Bucket(account.Limits, now).Left(account.Limits);
        var periods = account.Calendar.At(clock);
        return new LimitUsage(
            account.Limits, left, nextIn, usage.Running, usage.Count(PeriodKind.Day, periods.Day), usage.Count(PeriodKind.Month, periods.Month), periods, clock, usage.LastTier);
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
}
