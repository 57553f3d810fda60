using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>The store of one process keeps the contract, and remembers nobody for longer than it must.</summary>
public class MemoryLimitStoreTests : LimitStoreContract
{
    private static readonly UsageLimits Limits = new() { RequestsPerMinute = 10, ConcurrentRequests = 1, UnitsPerDay = 10, UnitsPerMonth = 300 };
    private static readonly QuotaCalendar Calendar = new(TimeZoneInfo.Utc);

    private protected override ILimitStore Create(ManualTime time) => new MemoryLimitStore(time);

    [Fact]
    public async Task Who_asked_and_spent_nothing_is_forgotten_once_the_bucket_is_full()
    {
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        var lease = (await store.AdmitAsync(Who(1), takesSlot: true)).Lease.ShouldNotBeNull();
        await store.AdmitAsync(Who(2), takesSlot: false);
        await store.RenewAsync([lease]);
        time.Advance(TimeSpan.FromSeconds(14));
        await store.RenewAsync([lease]);
        time.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromSeconds(14));
        store.Count.ShouldBe(0, "both buckets are full, and a slot that nobody renews lapses");
    }

    [Fact]
    public async Task Who_has_a_request_under_way_is_not_forgotten()
    {
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        var lease = (await store.AdmitAsync(Who(1), takesSlot: true)).Lease.ShouldNotBeNull();
        for (var i = 0; i < 30; i++)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await store.RenewAsync([lease]);
        }

        store.Count.ShouldBe(1);
        (await store.AdmitAsync(Who(1), takesSlot: true)).Violated.ShouldBe(LimitPolicies.Concurrency);
    }

    [Fact]
    public async Task Who_spent_units_is_remembered_until_a_day_after_the_month()
    {
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        await store.SettleAsync((await store.ReserveAsync(Who(1), 2, TimeSpan.FromMinutes(6))).Reservation.ShouldNotBeNull(), 2);

        // 22 November, noon.
        time.Advance(TimeSpan.FromDays(9) + TimeSpan.FromHours(11));
        time.Advance(TimeSpan.FromMinutes(1));
        store.Count.ShouldBe(1);
        time.Advance(TimeSpan.FromHours(1));
        store.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Who_was_given_all_units_back_is_forgotten()
    {
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        await store.SettleAsync((await store.ReserveAsync(Who(1), 1, TimeSpan.FromMinutes(6))).Reservation.ShouldNotBeNull(), 0);

        time.Advance(TimeSpan.FromMinutes(1));

        store.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_month_is_not_forgotten_while_the_clock_was_set_back_and_it_goes_on()
    {
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        await store.SettleAsync((await store.ReserveAsync(Who(1), 10, TimeSpan.FromMinutes(6))).Reservation.ShouldNotBeNull(), 10);
        time.Step(TimeSpan.FromDays(-8));

        time.Advance(TimeSpan.FromDays(12)); // 26 November.
        (await store.LookAsync(Who(1))).Month.Spent.ShouldBe(10);
        store.Count.ShouldBe(1);
        time.Advance(TimeSpan.FromDays(5));
        store.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_slot_whose_owner_was_forgotten_meanwhile_is_held_and_freed_all_the_same()
    {
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        var lease = (await store.AdmitAsync(Who(1), takesSlot: true)).Lease.ShouldNotBeNull();
        time.Advance(TimeSpan.FromMinutes(1));
        store.Count.ShouldBe(0, "as if the process had been stopped for a minute");

        await store.RenewAsync([lease]);
        (await store.AdmitAsync(Who(1), takesSlot: true)).Violated.ShouldBe(LimitPolicies.Concurrency);

        (await store.ReleaseAsync(lease, Who(1))).Running.ShouldBe(0);
        await store.RenewAsync([lease]);
        (await store.AdmitAsync(Who(1), takesSlot: true)).Lease.ShouldNotBeNull();
    }

    [Fact]
    public async Task Reservations_that_nobody_settled_do_not_keep_their_owner_for_ever()
    {
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        await store.ReserveAsync(Who(1), 2, TimeSpan.FromMinutes(6));

        time.Advance(TimeSpan.FromDays(11));

        store.Count.ShouldBe(0);
    }

    /// <summary>Sweeping and asking meet at the same owners all the time.</summary>
    [Fact]
    public async Task Nobody_gets_a_second_bucket_by_being_forgotten_while_asking()
    {
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        var account = Who(1) with { Limits = new UsageLimits { UnitsPerDay = 1_000, UnitsPerMonth = 1_000 } };
        var granted = 0;
        using var done = new CancellationTokenSource();
        var sweeping = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                time.Advance(TimeSpan.FromMinutes(1)); // 22 November, noon: the test is over long before the month is.
                time.Step(TimeSpan.FromMinutes(-1));
            }
        });

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++)
            {
                var lease = (await store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();
                if (await store.ReserveAsync(account, 1, TimeSpan.FromDays(365)) is { Reservation: { } reservation })
                {
                    Interlocked.Increment(ref granted);
                    await store.SettleAsync(reservation, 1);
                }

                await store.ReleaseAsync(lease, account);
            }
        })));
        await done.CancelAsync();
        await sweeping;

        granted.ShouldBe(1_000);
    }

    private static Account Who(int user) => new(new Owner(IsUser: true, $"user-{user}"), "free", Limits, Calendar);
}
