using System.Runtime.InteropServices;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>What one owner has used, in memory. Whoever uses it holds its lock; times are those since the store began, which no change of the clock moves.</summary>
internal sealed class OwnerUsage
{
    /// <summary>How long a period is remembered after its end, for clocks that are set back; it is not forgotten while the clock says that it goes on.</summary>
    private static readonly TimeSpan PeriodMemory = TimeSpan.FromDays(1);

    /// <summary>But no longer than this: a clock may be wrong for ever.</summary>
    private static readonly TimeSpan LongestMemory = TimeSpan.FromDays(62);

    private TimeSpan _full;
    private TimeSpan _pace;
    private MemoryLease? _firstLease;
    private TimeSpan _nextLapse = TimeSpan.MaxValue;
    private List<Period>? _periods;
    private List<Reserved>? _reserved;

    /// <summary>Nobody will find it any more: a new one has to be made.</summary>
    public bool IsDropped { get; private set; }

    public int Running { get; private set; }

    public string? LastTier { get; set; }

    public RequestBucket Bucket(UsageLimits limits, TimeSpan now) => RequestBucket.Of(limits, _full - now, _pace);

    public void TakeRequest(UsageLimits limits, TimeSpan now)
    {
        if (limits.RequestsPerMinute is not null)
        {
            (_full, _pace) = (now + Bucket(limits, now).AfterTaking(limits), limits.RequestInterval);
        }
    }

    public void Hold(MemoryLease lease, TimeSpan now)
    {
        lease.LapsesAt = now + RequestLease.Lifetime;
        if (lease.LapsesAt < _nextLapse)
        {
            _nextLapse = lease.LapsesAt;
        }

        if (!lease.IsHeld)
        {
            lease.IsHeld = true;
            lease.Next = _firstLease;
            if (_firstLease is not null)
            {
                _firstLease.Previous = lease;
            }

            _firstLease = lease;
            Running++;
        }
    }

    public void LetGo(MemoryLease lease)
    {
        if (!lease.IsHeld)
        {
            return;
        }

        if (lease.Previous is { } previous)
        {
            previous.Next = lease.Next;
        }
        else
        {
            _firstLease = lease.Next;
        }

        if (lease.Next is { } next)
        {
            next.Previous = lease.Previous;
        }

        (lease.Next, lease.Previous, lease.IsHeld) = (null, null, false);
        Running--;
    }

    /// <summary>Lets go of slots and reservations that nobody renewed or settled.</summary>
    public void Lapse(TimeSpan now, DateTimeOffset clock)
    {
        if (now >= _nextLapse)
        {
            _nextLapse = TimeSpan.MaxValue;
            for (var lease = _firstLease; lease is not null;)
            {
                var next = lease.Next;
                if (lease.LapsesAt <= now)
                {
                    LetGo(lease);
                }
                else if (lease.LapsesAt < _nextLapse)
                {
                    _nextLapse = lease.LapsesAt;
                }

                lease = next;
            }
        }

        if (_periods is not null)
        {
            LapseUnits(now, clock);
        }
    }

    public UnitCount Count(PeriodKind kind, QuotaPeriod period) => IndexOf(kind, period.Id) is var index and >= 0 ? _periods![index].Count : default;

    public void Reserve(Guid id, int units, QuotaPeriods periods, DateTimeOffset clock, TimeSpan now, TimeSpan lapsesAt)
    {
        Add(PeriodKind.Day, periods.Day, clock, now, new UnitCount(Spent: 0, units, Granted: 0));
        Add(PeriodKind.Month, periods.Month, clock, now, new UnitCount(Spent: 0, units, Granted: 0));
        (_reserved ??= []).Add(new Reserved(id, units, periods.Day.Id, periods.Month.Id, lapsesAt, HasLapsed: false));
    }

    public void Settle(Guid id, int used)
    {
        for (var i = 0; i < _reserved?.Count; i++)
        {
            if (_reserved[i].Id == id)
            {
                Change(_reserved[i], new UnitCount(used, _reserved[i].HasLapsed ? 0 : -_reserved[i].Units, Granted: 0));
                _reserved.RemoveAt(i);
                return;
            }
        }
    }

    public void Grant(int units, QuotaPeriods periods, DateTimeOffset clock, TimeSpan now)
    {
        Add(PeriodKind.Day, periods.Day, clock, now, new UnitCount(Spent: 0, Reserved: 0, units));
        Add(PeriodKind.Month, periods.Month, clock, now, new UnitCount(Spent: 0, Reserved: 0, units));
    }

    public void Reset(QuotaPeriods periods)
    {
        _full = TimeSpan.Zero;
        Forgive(PeriodKind.Day, periods.Day);
        Forgive(PeriodKind.Month, periods.Month);

        void Forgive(PeriodKind kind, QuotaPeriod period)
        {
            var count = Count(kind, period);
            TryChange(kind, period.Id, new UnitCount(-count.Spent, Reserved: 0, -count.Granted));
        }
    }

    /// <summary>Drops it if nothing in it will ever matter again.</summary>
    public bool TryDrop(TimeSpan now, DateTimeOffset clock)
    {
        Lapse(now, clock);
        return IsDropped = Running == 0 && _full <= now && _reserved is null or { Count: 0 } && (_periods is null || _periods.TrueForAll(period => period.Count == default));
    }

    private void Add(PeriodKind kind, QuotaPeriod period, DateTimeOffset clock, TimeSpan now, UnitCount count)
    {
        if (!TryChange(kind, period.Id, count))
        {
            (_periods ??= new(capacity: 2)).Add(new Period { Kind = kind, Id = period.Id, Count = count, End = period.End, ForgottenAt = now + (period.End - clock) + PeriodMemory });
        }
    }

    private void Change(Reserved reserved, UnitCount count)
    {
        TryChange(PeriodKind.Day, reserved.Day, count);
        TryChange(PeriodKind.Month, reserved.Month, count);
    }

    /// <returns>False where the period is not known, or forgotten by now.</returns>
    private bool TryChange(PeriodKind kind, int id, UnitCount count)
    {
        var index = IndexOf(kind, id);
        if (index >= 0)
        {
            CollectionsMarshal.AsSpan(_periods)[index].Count += count;
        }

        return index >= 0;
    }

    /// <summary>At most a handful are remembered.</summary>
    private int IndexOf(PeriodKind kind, int id)
    {
        var periods = CollectionsMarshal.AsSpan(_periods);
        for (var i = 0; i < periods.Length; i++)
        {
            if (periods[i].Kind == kind && periods[i].Id == id)
            {
                return i;
            }
        }

        return -1;
    }

    private void LapseUnits(TimeSpan now, DateTimeOffset clock)
    {
        foreach (ref var reserved in CollectionsMarshal.AsSpan(_reserved))
        {
            if (!reserved.HasLapsed && reserved.LapsesAt <= now)
            {
                Change(reserved, new UnitCount(Spent: 0, -reserved.Units, Granted: 0));
                reserved = reserved with { HasLapsed = true };
            }
        }

        for (var i = _periods!.Count - 1; i >= 0; i--)
        {
            var period = _periods[i];
            if (period.ForgottenAt <= now && (period.End <= clock || period.ForgottenAt + LongestMemory <= now))
            {
                Forget(i);
            }
        }
    }

    /// <summary>With a month go the reservations in it that were never settled.</summary>
    private void Forget(int index)
    {
        var period = _periods![index];
        _periods.RemoveAt(index);
        if (period.Kind == PeriodKind.Month)
        {
            _reserved?.RemoveAll(reserved => reserved.Month == period.Id && reserved.HasLapsed);
        }
    }

    /// <summary>Mutable: it is changed where it lies in the list.</summary>
    private struct Period
    {
        public PeriodKind Kind;
        public int Id;
        public UnitCount Count;
        public DateTimeOffset End;
        public TimeSpan ForgottenAt;
    }

    private readonly record struct Reserved(Guid Id, int Units, int Day, int Month, TimeSpan LapsesAt, bool HasLapsed);
}

internal enum PeriodKind
{
    Day,
    Month,
}
