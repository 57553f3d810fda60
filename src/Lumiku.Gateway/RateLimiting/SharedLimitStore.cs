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
internal sealed partial class SharedLimitStore : ILimitStore, IAsyncDisposable
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
    private readonly ConcurrentQueue<Func<Task>> _untold = [];
    private int _isTelling;

    /// <param name="replicas">How many share Redis; each has so much of the limits, rounded up, while it is away.</param>
    public SharedLimitStore(RedisConnection redis, RedisLimitStore shared, MemoryLimitStore local, int replicas, TimeProvider time, ILogger<SharedLimitStore> logger)
    {
        (_redis, _shared, _local, _replicas, _time, _logger) = (redis, shared, local, replicas, time, logger);
        _timer = time.CreateTimer(_ => _ = TellAsync(), state: null, TellInterval, TellInterval);
    }

    /// <summary>Settlements, charges and slots that Redis has not been told of yet.</summary>
    public int UntoldCount => _untold.Count;

    public async ValueTask<Admission> AdmitAsync(Account account, bool takesSlot)
    {
        var slot = takesSlot ? new RedisLimitStore.RedisLease(account.Owner) : null;
        try
        {
            var admission = await _shared.AdmitAsync(account, slot);
            if (admission.Violated != LimitPolicies.None)
            {
                return admission;
            }

            var noted = _local.Note(account, takesSlot);
            return admission with { Lease = admission.Lease is null ? null : new SharedLease(account.Owner, admission.Lease, noted!) };
        }
        catch (RedisUnavailableException exception)
        {
            if (slot is not null && exception.MayBeDone)
            {
                Keep(() => _shared.ReleaseAsync(slot, account).AsTask());
            }

            var admission = await _local.AdmitAsync(ShareOf(account), takesSlot);
            return admission with { Lease = admission.Lease is null ? null : new SharedLease(account.Owner, shared: null, admission.Lease) };
        }
    }

    public async ValueTask<LimitUsage> ReleaseAsync(RequestLease lease, Account account)
    {
        var held = (SharedLease)lease;
        var here = await _local.ReleaseAsync(held.Local, ShareOf(account));
        if (held.Release() is not { } shared)
        {
            // One that waited for Redis once does not wait for it again.
            return here;
        }

        try
        {
            return await _shared.ReleaseAsync(shared, account);
        }
        catch (RedisUnavailableException)
        {
            Keep(() => _shared.ReleaseAsync(shared, account).AsTask());
            return here;
        }
    }

    public async ValueTask RenewAsync(IReadOnlyCollection<RequestLease> leases)
    {
        await _local.RenewAsync([.. leases.Select(lease => ((SharedLease)lease).Local)]);
        try
        {
            // Those of the time while it was away among them, once it is back.
            await _shared.RenewAsync([.. leases.Select(lease => ((SharedLease)lease).Renew(_redis.IsUp)).OfType<RequestLease>()]);
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
                Keep(() => _shared.SettleAsync(reservation, used: 0).AsTask());
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

        Func<Task> settle = isHere
            ? () => _shared.ChargeAsync(reservation.Owner, reservation.Id, used, periods!)
            : () => _shared.SettleAsync(reservation, used).AsTask();
        try
        {
            await settle();
        }
        catch (RedisUnavailableException)
        {
            Keep(settle);
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

    /// <summary>What Redis can still be told is told.</summary>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await TellAsync();
    }

    private Account ShareOf(Account account) => account with { Limits = _shares.GetValue(account.Limits, limits => limits.ShareOf(_replicas)) };

    /// <summary>To be done when Redis is back; done twice it changes nothing more.</summary>
    private void Keep(Func<Task> untold)
    {
        _untold.Enqueue(untold);
        _ = TellAsync();
        if (_untold.Count > MostUntold && _untold.TryDequeue(out _))
        {
            Log.Forgotten(_logger, MostUntold);
        }
    }

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
                try
                {
                    await next();
                }
                catch (Exception exception) when (exception is not RedisUnavailableException { InnerException: not RedisScriptException })
                {
                    // It can never be told, and the others wait behind it.
                    Log.NotTold(_logger, exception);
                }

                _untold.TryDequeue(out _);
                told++;
            }
        }
        catch (RedisUnavailableException)
        {
            // Told again next time; what has been told changes nothing the second time.
        }
        finally
        {
            Volatile.Write(ref _isTelling, 0);
        }

        if (told > 0)
        {
            Log.Told(_logger, told, _untold.Count);
        }
    }

    /// <param name="shared">Null where it was taken while Redis was away.</param>
    private sealed class SharedLease(Owner owner, RequestLease? shared, RequestLease local) : RequestLease(owner)
    {
        private readonly Lock _lock = new();
        private RequestLease? _shared = shared;
        private bool _isReleased;

        public RequestLease Local => local;

        /// <param name="isUp">Redis can be told of a slot that it has not heard of.</param>
        /// <returns>What Redis is told to hold; null where it has not heard of the slot, and need not.</returns>
        public RequestLease? Renew(bool isUp)
        {
            lock (_lock)
            {
                return _shared ??= isUp && !_isReleased ? new RedisLimitStore.RedisLease(Owner) : null;
            }
        }

        /// <returns>What Redis is to free; null where it has not heard of the slot, and never will.</returns>
        public RequestLease? Release()
        {
            lock (_lock)
            {
                _isReleased = true;
                return _shared;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Redis was told of {Told} settlements and slots of the time while it was away; {Left} are left")]
        public static partial void Told(ILogger logger, int told, int left);

        [LoggerMessage(2, LogLevel.Error, "More than {Most} settlements and slots wait for Redis: the oldest is forgotten, and if it was units they are not charged")]
        public static partial void Forgotten(ILogger logger, int most);

        [LoggerMessage(3, LogLevel.Error, "Settlements and slots could not be told to Redis")]
        public static partial void NotTold(ILogger logger, Exception exception);
    }
}
