using System.Collections.Concurrent;
using System.Globalization;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Redis;
using static Lumiku.Gateway.Redis.RedisArguments;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Counts use in Redis, for all replicas: a script a decision, by Redis's own clock. Everything here may throw <see cref="RedisUnavailableException"/>.</summary>
/// <param name="testClock">Null: Redis's own clock counts. In tests: the one by which time passes, and tells the time.</param>
internal sealed class RedisLimitStore(RedisConnection redis, string keyPrefix, TimeProvider time, TimeProvider? testClock = null) : ILimitStore
{
    /// <summary>What Lua's numbers hold exactly begins here.</summary>
    private static readonly DateTimeOffset Epoch = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly ConcurrentDictionary<string, string> Scripts = [];

    /// <summary>Redis's clock less ours, as far as is known: days are asked for by it.</summary>
    private long _ahead;

    public ValueTask<Admission> AdmitAsync(Account account, bool takesSlot) => AdmitAsync(account, takesSlot ? new RedisLease(account.Owner) : null);

    /// <param name="lease">So that who gets no answer knows what to give back.</param>
    public async ValueTask<Admission> AdmitAsync(Account account, RedisLease? lease)
    {
        var limits = account.Limits;
        var (result, usage) = await DecideAsync(
            "admit", account, lease?.Id ?? "", Of(limits.RequestInterval.Ticks), Of(limits.BucketSize), Of(limits.ConcurrentRequests ?? -1), Of(RequestLease.Lifetime.Ticks), account.Tier);
        return new Admission(result == 0 ? lease : null, (LimitPolicies)result, usage);
    }

    public async ValueTask<LimitUsage> ReleaseAsync(RequestLease lease, Account account)
    {
        var held = (RedisLease)lease;
        held.IsReleased = true;
        return (await DecideAsync("release", account, held.Id)).Usage;
    }

    public async ValueTask RenewAsync(IReadOnlyCollection<RequestLease> leases)
    {
        var byOwner = leases.Cast<RedisLease>().Where(lease => !lease.IsReleased).GroupBy(lease => lease.Owner);
        await Task.WhenAll(byOwner.Select(owned => RenewAsync(owned.Key, [.. owned])));
    }

    public ValueTask<Booking> ReserveAsync(Account account, int units, TimeSpan lapsesAfter)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(units);
        return ReserveAsync(account, new UnitReservation(Guid.CreateVersion7(time.GetUtcNow()), account.Owner, units), lapsesAfter);
    }

    /// <param name="reservation">So that who gets no answer knows what to give back.</param>
    public async ValueTask<Booking> ReserveAsync(Account account, UnitReservation reservation, TimeSpan lapsesAfter)
    {
        var (result, usage) = await DecideAsync(
            "reserve", account, $"{reservation.Id}", Of(reservation.Units), Of(account.Limits.UnitsPerDay ?? -1), Of(account.Limits.UnitsPerMonth ?? -1), Of(lapsesAfter.Ticks), account.Tier);
        return new Booking(result == 0 ? reservation : null, (LimitPolicies)result, usage);
    }

    public async ValueTask SettleAsync(UnitReservation reservation, int used)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(used);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(used, reservation.Units);
        await EvaluateAsync("settle", reservation.Owner, periods: null, [$"{reservation.Id}", Of(used)]);
    }

    public async ValueTask<LimitUsage> LookAsync(Account account) => (await DecideAsync("look", account)).Usage;

    public async ValueTask<LimitUsage> GrantAsync(Account account, int units) => (await DecideAsync("grant", account, Of(units))).Usage;

    public async ValueTask<LimitUsage> ResetAsync(Account account) => (await DecideAsync("reset", account)).Usage;

    /// <summary>Charges units that were spent while Redis was away. A second time for the same id changes nothing.</summary>
    /// <param name="periods">Of when they were spent.</param>
    public async Task ChargeAsync(Owner owner, Guid id, int units, QuotaPeriods periods)
    {
        var now = time.GetUtcNow();
        await EvaluateAsync("charge", owner, periods: null, [$"{id}", Of(units), Of(periods.Day.Id), Of(MsLeft(periods.Day)), Of(periods.Month.Id), Of(MsLeft(periods.Month))]);

        long MsLeft(QuotaPeriod period) => (long)(period.End.AddDays(1) - now).TotalMilliseconds;
    }

    private static long Ticks(DateTimeOffset instant) => (instant - Epoch).Ticks;

    private static string Script(string name)
    {
        return Scripts.GetOrAdd(name, static name => name == "mend" ? Read(name) : Read("owner") + "\n" + Read(name));

        static string Read(string name) => RedisScript.Of(typeof(RedisLimitStore), name);
    }

    private async Task<(int Result, LimitUsage Usage)> DecideAsync(string script, Account account, params string[] arguments)
    {
        for (var attempt = 1; ; attempt++)
        {
            var periods = account.Calendar.At(Clock.AddTicks(Volatile.Read(ref _ahead)));
            var reply = await EvaluateAsync(script, account.Owner, periods, arguments);
            var result = (int)reply.Number(0);
            var clock = Epoch.AddTicks(reply.Number(result < 0 ? 1 : 10));
            if (result < 0)
            {
                // The day has changed meanwhile, or the clocks differ.
                Volatile.Write(ref _ahead, (clock - Clock).Ticks);
                if (attempt == 3)
                {
                    throw new RedisUnavailableException("Redis's clock and ours do not come together.", mayBeDone: false);
                }

                continue;
            }

            var bucket = RequestBucket.Of(account.Limits, TimeSpan.FromTicks(reply.Number(1)), TimeSpan.FromTicks(reply.Number(2)));
            var (left, nextIn) = bucket.Left(account.Limits);
            return (result, new LimitUsage(account.Limits, left, nextIn, (int)reply.Number(3), Count(reply, 4), Count(reply, 7), periods, clock, reply.Text(11)));
        }
    }

    private async Task RenewAsync(Owner owner, RedisLease[] leases)
    {
        try
        {
            await EvaluateAsync("renew", owner, periods: null, [Of(RequestLease.Lifetime.Ticks), .. leases.Select(lease => lease.Id)]);
        }
        finally
        {
            // One that was freed after it was asked may have been taken again.
            foreach (var lease in leases.Where(lease => lease.IsReleased))
            {
                await EvaluateAsync("release", owner, periods: null, [lease.Id]);
            }
        }
    }

    private static UnitCount Count(RedisReply reply, int from) => new(reply.Number(from), reply.Number(from + 1), reply.Number(from + 2));

    private DateTimeOffset Clock => (testClock ?? time).GetUtcNow();

    private async Task<RedisReply> EvaluateAsync(string script, Owner owner, QuotaPeriods? periods, string[] arguments)
    {
        var key = KeyOf(owner);
        string[] values = periods is null
            ? [TestTime(), "", "", "", "", "", .. arguments]
            : [TestTime(), Of(periods.Day.Id), Of(Ticks(periods.Day.Start)), Of(Ticks(periods.Day.End)), Of(periods.Month.Id), Of(Ticks(periods.Month.End)), .. arguments];
        try
        {
            return await redis.EvaluateAsync(Script(script), key, values);
        }
        catch (RedisScriptException)
        {
            return await MendAsync(script, key, periods, values);
        }
    }

    /// <summary>Once more, without what under the owner's keys is none of ours.</summary>
    private async Task<RedisReply> MendAsync(string script, string key, QuotaPeriods? periods, string[] values)
    {
        try
        {
            await redis.EvaluateAsync(Script("mend"), key, periods is null ? ["", ""] : [Of(periods.Day.Id), Of(periods.Month.Id)]);
            return await redis.EvaluateAsync(Script(script), key, values);
        }
        catch (RedisScriptException exception)
        {
            throw new RedisUnavailableException(exception.Message, mayBeDone: true, exception);
        }
    }

    private string TestTime() => testClock is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{testClock.GetTimestamp() - Epoch.Ticks} {Ticks(testClock.GetUtcNow())}");

    /// <summary>Nobody's id is in Redis; the braces keep all of an owner's keys in one slot of a cluster.</summary>
    private string KeyOf(Owner owner) => $"{keyPrefix}:limits:1:{{{TextDigest.Of(owner.ToString(), digits: 32)}}}";

    /// <summary>A slot in Redis.</summary>
    internal sealed class RedisLease(Owner owner) : RequestLease(owner)
    {
        public string Id { get; } = $"{Guid.NewGuid()}";

        public bool IsReleased { get; set; }
    }
}
