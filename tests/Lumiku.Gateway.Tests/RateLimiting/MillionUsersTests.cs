using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Users who do not come back leave no memory behind. It runs alone, as it looks at the memory of the whole process.</summary>
[Collection(Alone.Name)]
public class MillionUsersTests
{
    private static readonly UsageLimits Limits = new() { RequestsPerMinute = 10, ConcurrentRequests = 1, UnitsPerDay = 10, UnitsPerMonth = 300 };
    private static readonly QuotaCalendar Calendar = new(TimeZoneInfo.Utc);

    [Fact]
    public async Task A_million_users_seen_once_leave_no_memory_behind()
    {
        Assert.SkipUnless(LongRun.IsOn, LongRun.Reason);
        var time = new ManualTime();
        using var store = new MemoryLimitStore(time);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 1_000_000; i++)
        {
            var account = Who(i);
            var lease = (await store.AdmitAsync(account, takesSlot: true)).Lease!;
            if (i % 2 == 0)
            {
                await store.SettleAsync((await store.ReserveAsync(account, 1, TimeSpan.FromMinutes(6))).Reservation!, 1);
            }

            await store.ReleaseAsync(lease, account);
        }

        var peak = GC.GetTotalMemory(forceFullCollection: true) - before;
        store.Count.ShouldBe(1_000_000);

        time.Advance(TimeSpan.FromMinutes(1));
        var idle = store.Count;
        time.Advance(TimeSpan.FromDays(11));

        store.Count.ShouldBe(0);
        var after = GC.GetTotalMemory(forceFullCollection: true) - before;
        Figures.Add("limits", $"a million users seen once, half of them with an image: {peak / 1e6:0} MB; after a minute {idle:N0} are remembered, after their month none: {after / 1e6:0} MB");
        idle.ShouldBe(500_000);
        after.ShouldBeLessThan(50_000_000);
    }

    private static Account Who(int user) => new(new Owner(IsUser: true, $"user-{user}"), "free", Limits, Calendar);
}
