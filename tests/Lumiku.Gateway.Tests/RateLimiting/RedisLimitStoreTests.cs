using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>The store in Redis keeps the very same contract.</summary>
public sealed class RedisLimitStoreTests(RedisServer redis) : LimitStoreContract, IAsyncLifetime
{
    private readonly RedisConnection _connection = Replica.Connect(redis.Url, "limits");

    public async ValueTask InitializeAsync() => await Eventually.BeAsync(() => _connection.IsUp, "it is connected");

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    [Theory]
    [InlineData("redis.call('HSET', day, 'reserved', 'garbage')")]
    [InlineData("redis.call('SET', day, 'garbage')")]
    public async Task A_damaged_count_of_a_day_that_is_over_holds_up_no_settlement_and_no_decision(string damage)
    {
        var time = new ManualTime();
        var store = Create(time);
        var account = new Account(new Owner(IsUser: true, $"{Guid.NewGuid()}"), "free", new UsageLimits { UnitsPerDay = 3 }, new QuotaCalendar(TimeZoneInfo.Utc));
        var settled = (await store.ReserveAsync(account, 1, TimeSpan.FromDays(2))).Reservation.ShouldNotBeNull();
        await store.ReserveAsync(account, 2, TimeSpan.FromDays(1));
        var first = account.Calendar.At(time.GetUtcNow()).Day.Id;
        time.Advance(TimeSpan.FromHours(20));
        (await store.ReserveAsync(account, 3, TimeSpan.FromDays(2))).Reservation.ShouldNotBeNull();
        await DamageAsync();

        await store.SettleAsync(settled, 1);
        await DamageAsync();
        time.Advance(TimeSpan.FromHours(4));

        (await store.LookAsync(account)).Day.ShouldBe(new UnitCount(Spent: 0, Reserved: 3, Granted: 0));
        (await store.ReserveAsync(account, 1, TimeSpan.FromDays(1))).Violated.ShouldBe(LimitPolicies.Day);

        // Of every owner of these tests.
        async Task DamageAsync() => (await redis.TellAsync(
            "EVAL", $"for _, key in ipairs(redis.call('KEYS', 'contract:*:reserved')) do local day = string.gsub(key, 'reserved$', 'd:{first}') redis.call('DEL', day) {damage} end return 1", "0")).ShouldBe(":1");
    }

    [Theory]
    [InlineData("redis.call('HSET', key, 'pace', 0)")]
    [InlineData("redis.call('HSET', key, 'pace', -5)")]
    [InlineData("redis.call('HSET', key, 'pace', '9000000000000000000')")]
    [InlineData("redis.call('HSET', key, 'pace', 'nan')")]
    [InlineData("redis.call('HDEL', key, 'pace')")]
    public async Task A_bucket_without_a_pace_counts_as_full_and_fails_nobody(string damage)
    {
        var time = new ManualTime();
        var store = Create(time);
        var account = new Account(new Owner(IsUser: true, $"{Guid.NewGuid()}"), "free", new UsageLimits { RequestsPerMinute = 10, Burst = 2 }, new QuotaCalendar(TimeZoneInfo.Utc));
        await store.AdmitAsync(account, takesSlot: false);
        await store.AdmitAsync(account, takesSlot: false);
        (await redis.TellAsync("EVAL", $"for _, key in ipairs(redis.call('KEYS', 'contract:*:bucket')) do {damage} end return 1", "0")).ShouldBe(":1");

        (await store.LookAsync(account)).RequestsLeft.ShouldBe(2);
        (await store.AdmitAsync(account, takesSlot: false)).Usage.RequestsLeft.ShouldBe(1);
        (await store.LookAsync(account)).RequestsLeft.ShouldBe(1);
    }

    private protected override ILimitStore Create(ManualTime time) => new RedisLimitStore(_connection, "contract", time, testClock: time);
}
