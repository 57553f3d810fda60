using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Redis;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Counts in Redis; while that is away, this replica decides by its share of the limits and by what it has admitted itself.</summary>
/// <remarks>
/// What Redis decides is written down here too, so that the first decision without it knows this replica's part. Units that were spent
/// meanwhile are charged, and reservations settled, when it is back: each once, by its id.
/// </remarks>
internal sealed partial class SharedLimitStore : ILimitStore, IDisposable
{
    /// <summary>What is kept to be told to Redis; beyond it the oldest is forgotten, which a log line says.</summary>
    private const int MostUntold = 100_000;

    private static readonly TimeSpan TellInterval = TimeSpan.FromSeconds(1);

    private readonly RedisConnection _redis;
    private readonly RedisLimitStore _shared;
    private readonly MemoryLimitStore _local;
    private readonly int _replicas;
    private readonly TimeProvider _time;
    private readonly ILogger<SharedLimitStore> _logger;
    private readonly ITimer _timer;
    private readonly ConditionalWeakTable<UsageLimits, UsageLimits> _shares = [];
    private readonly ConcurrentDictionary<Guid, QuotaPeriods> _reservedHere = [];
    private readonly ConcurrentQueue<Untold> _untold = [];
    private int _isTelling;

    /// <param name="replicas">How many share Redis; each has so much of the limits, rounded up, while it is away.</param>
    public SharedLimitStore(RedisConnection redis, RedisLimitStore shared, MemoryLimitStore local, int replicas, TimeProvider time, ILogger<SharedLimitStore> logger)
    {
        (_redis, _shared, _local, _replicas, _time, _logger) = (redis, shared, local, replicas, time, logger);
        _timer = time.CreateTimer(_ => _ = TellAsync(), state: null, TellInterval, TellInterval);
    }

    /// <summary>Settlements and charges that Redis has not been told yet.</summary>
    public int UntoldCount => _untold.Count;

    public async ValueTask<Admission> AdmitAsync(Account account, bool takesSlot)
    {
        try
        {
            var admission = await _shared.AdmitAsync(account, takesSlot);
            if (admission.Violated != LimitPolicies.None)
            {
                return admission;
            }

            var noted = _local.Note(account, takesSlot);
            return admission with { Lease = admission.Lease is null ? null : new SharedLease(account.Owner, admission.Lease, noted!) };
        }
        catch (RedisUnavailableException)
        {
            var admission = await _local.AdmitAsync(ShareOf(account), takesSlot);
            return admission with { Lease = admission.Lease is null ? null : new SharedLease(account.Owner, shared: null, admission.Lease) };
        }
    }

    public async ValueTask<LimitUsage> ReleaseAsync(RequestLease lease, Account account)
    {
        var held = (SharedLease)lease;
        var here = await _local.ReleaseAsync(held.Local, ShareOf(account));
        if (held.Shared is null)
        {
            // One that waited for Redis once does not wait for it again.
            return here;
        }

        try
        {
            return await _shared.ReleaseAsync(held.Shared, account);
        }
        catch (RedisUnavailableException)
        {
            // There it lapses by itself.
            return here;
        }
    }

    public async ValueTask RenewAsync(IReadOnlyCollection<RequestLease> leases)
    {
        await _local.RenewAsync([.. leases.Select(lease => ((SharedLease)lease).Local)]);
        try
        {
            await _shared.RenewAsync([.. leases.Select(lease => ((SharedLease)lease).Shared).OfType<RequestLease>()]);
        }
        catch (RedisUnavailableException)
        {
            // Again at the next renewal, if they are still held then.
        }
    }

    public async ValueTask<Booking> ReserveAsync(Account account, int units, TimeSpan lapsesAfter)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(units);
        var reservation = new UnitReservation(Guid.CreateVersion7(_time.GetUtcNow()), account.Owner, units);
        try
        {
            var booking = await _shared.ReserveAsync(account, reservation, lapsesAfter);
            if (booking.Reservation is not null)
            {
                _local.Note(account, reservation, lapsesAfter);
            }

            return booking;
        }
        catch (RedisUnavailableException exception)
        {
            if (exception.MayBeDone)
            {
                // Reserved there, perhaps, for nobody: given back as soon as can be; else it lapses.
                Keep(new Untold(reservation, Used: 0, Periods: null));
            }

            var booking = await _local.ReserveAsync(ShareOf(account), units, lapsesAfter);
            if (booking.Reservation is { } here)
            {
                _reservedHere[here.Id] = booking.Usage.Periods;
            }

            return booking;
        }
    }

    public async ValueTask SettleAsync(UnitReservation reservation, int used)
    {
        await _local.SettleAsync(reservation, used);
        var isHere = _reservedHere.TryRemove(reservation.Id, out var periods);
        if (isHere && used == 0)
        {
            return;
        }

        var settlement = new Untold(reservation, used, isHere ? periods : null);
        try
        {
            await TellAsync(settlement);
        }
        catch (RedisUnavailableException)
        {
            Keep(settlement);
        }
    }

    public async ValueTask<LimitUsage> LookAsync(Account account)
    {
        try
        {
            return await _shared.LookAsync(account);
        }
        catch (RedisUnavailableException)
        {
            return await _local.LookAsync(ShareOf(account));
        }
    }

    /// <exception cref="RedisUnavailableException">Nothing was granted, as far as is known: what one replica alone knows would be lost.</exception>
    public ValueTask<LimitUsage> GrantAsync(Account account, int units) => _shared.GrantAsync(account, units);

    /// <exception cref="RedisUnavailableException">Nothing was reset, as far as is known.</exception>
    public async ValueTask<LimitUsage> ResetAsync(Account account)
    {
        var usage = await _shared.ResetAsync(account);
        await _local.ResetAsync(account);
        return usage;
    }

    public void Dispose() => _timer.Dispose();

    private Account ShareOf(Account account) => account with { Limits = _shares.GetValue(account.Limits, limits => limits.ShareOf(_replicas)) };

    private void Keep(Untold settlement)
    {
        _untold.Enqueue(settlement);
        if (_untold.Count > MostUntold && _untold.TryDequeue(out _))
        {
            Log.Forgotten(_logger, MostUntold);
        }
    }

    private Task TellAsync(Untold settlement) => settlement.Periods is { } periods
        ? _shared.ChargeAsync(settlement.Reservation.Owner, settlement.Reservation.Id, settlement.Used, periods)
        : _shared.SettleAsync(settlement.Reservation, settlement.Used).AsTask();

    private async Task TellAsync()
    {
        if (_untold.IsEmpty || !_redis.IsUp || Interlocked.Exchange(ref _isTelling, 1) == 1)
        {
            return;
        }

        var told = 0;
        try
        {
            while (_untold.TryPeek(out var next))
            {
                await TellAsync(next);
                _untold.TryDequeue(out _);
                told++;
            }
        }
        catch (RedisUnavailableException)
        {
            // Told again next time; what has been told changes nothing the second time.
        }
        catch (Exception exception)
        {
            Log.NotTold(_logger, exception);
        }
        finally
        {
            Volatile.Write(ref _isTelling, 0);
        }

        Log.Told(_logger, told, _untold.Count);
    }

    /// <param name="Periods">Of when they were spent, where Redis knows of no reservation; null where it has it.</param>
    private sealed record Untold(UnitReservation Reservation, int Used, QuotaPeriods? Periods);

    /// <param name="shared">Null where it was taken while Redis was away.</param>
    private sealed class SharedLease(Owner owner, RequestLease? shared, RequestLease local) : RequestLease(owner)
    {
        public RequestLease? Shared => shared;

        public RequestLease Local => local;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Redis was told {Told} settlements of units that were made while it was away; {Left} are left")]
        public static partial void Told(ILogger logger, int told, int left);

        [LoggerMessage(2, LogLevel.Error, "More than {Most} settlements of units wait for Redis: the oldest is forgotten, and its units are not charged")]
        public static partial void Forgotten(ILogger logger, int most);

        [LoggerMessage(3, LogLevel.Error, "Settlements of units could not be told to Redis")]
        public static partial void NotTold(ILogger logger, Exception exception);
    }
}
