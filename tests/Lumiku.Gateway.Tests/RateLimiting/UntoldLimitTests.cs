using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>What Redis could not be told in time is made up for.</summary>
[Collection(Alone.Name)]
public sealed class UntoldLimitTests
{
    [Fact]
    public async Task A_slot_taken_by_a_call_that_timed_out_is_freed_with_its_request()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        await using var hf = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await Replica.StartAsync(hf, wire.Port, isPatient: false, "Tiers:free:ConcurrentRequests=1");
        await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, "free");
        wire.Delay = TimeSpan.FromMilliseconds(150);
        var first = gateway.Services.GetRequiredService<ILimitStore>();
        var account = new Account(new Owner(IsUser: true, "user-1"), "free", UsageLimits.None, new QuotaCalendar(TimeZoneInfo.Utc));
        var admission = await first.AdmitAsync(account, takesSlot: true);
        admission.Lease.ShouldNotBeNull();
        wire.Delay = TimeSpan.Zero;
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, TestContext.Current.CancellationToken);
        await first.ReleaseAsync(admission.Lease, account);

        (await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, "free")).ShouldBeAnImage();
    }

    [Fact]
    public async Task What_fails_for_one_owner_whatever_it_is_does_not_hold_up_the_slots_of_others()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        await using var hf = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await Replica.StartAsync(hf, wire.Port, isPatient: false, "Redis:ExpectedReplicas=2");
        var store = (SharedLimitStore)gateway.Services.GetRequiredService<ILimitStore>();
        var anna = new Account(new Owner(IsUser: true, "anna"), "free", new UsageLimits { RequestsPerMinute = 60 }, new QuotaCalendar(TimeZoneInfo.Utc));
        var berta = anna with { Owner = new Owner(IsUser: true, "berta") };
        var one = (await store.AdmitAsync(anna, takesSlot: true)).Lease.ShouldNotBeNull();
        var two = (await store.AdmitAsync(berta, takesSlot: true)).Lease.ShouldNotBeNull();
        (await store.LookAsync(berta)).Running.ShouldBe(1);
        wire.IsSilent = true;

        // No settings have such limits; half of them, which count here meanwhile, are well.
        await store.ReleaseAsync(one, anna with { Limits = new UsageLimits { RequestsPerMinute = 60, Burst = -1 } });
        await store.ReleaseAsync(two, berta);
        store.UntoldCount.ShouldBe(2);
        wire.IsSilent = false;

        await Eventually.BeAsync(() => Replica.IsUp(gateway), "up");
        await Eventually.BeAsync(() => store.UntoldCount == 0, "nothing is left to be told");
        (await store.LookAsync(berta)).Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_slot_that_was_taken_while_redis_was_away_is_known_to_it_when_it_is_back_until_it_is_freed()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        await using var hf = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await Replica.StartAsync(hf, wire.Port, isPatient: false);
        var store = gateway.Services.GetRequiredService<ILimitStore>();
        var account = new Account(new Owner(IsUser: true, "anna"), "free", new UsageLimits { ConcurrentRequests = 1 }, new QuotaCalendar(TimeZoneInfo.Utc));
        wire.IsSilent = true;
        await Eventually.BeAsync(async () => { await store.LookAsync(account); return !Replica.IsUp(gateway); }, "it is away");
        var lease = (await store.AdmitAsync(account, takesSlot: true)).Lease.ShouldNotBeNull();
        await store.RenewAsync([lease]);
        wire.IsSilent = false;
        await Eventually.BeAsync(() => Replica.IsUp(gateway), "up");

        // As HeldLeases does every five seconds.
        await Eventually.BeAsync(async () => { await store.RenewAsync([lease]); return (await store.LookAsync(account)).Running == 1; }, "Redis knows of it");
        (await store.AdmitAsync(account, takesSlot: true)).Violated.ShouldBe(LimitPolicies.Concurrency);

        await store.ReleaseAsync(lease, account);
        await store.RenewAsync([lease]);
        await Eventually.BeAsync(async () => (await store.LookAsync(account)).Running == 0, "it is free");
    }

    [Fact]
    public async Task A_damaged_reservation_does_not_hold_up_the_settlements_of_others()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        await using var hf = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await Replica.StartAsync(hf, wire.Port, isPatient: false);
        var store = (SharedLimitStore)gateway.Services.GetRequiredService<ILimitStore>();
        var anna = new Account(new Owner(IsUser: true, "anna"), "free", UsageLimits.None, new QuotaCalendar(TimeZoneInfo.Utc));
        var berta = anna with { Owner = new Owner(IsUser: true, "berta") };
        var one = (await store.ReserveAsync(anna, 1, TimeSpan.FromMinutes(5))).Reservation.ShouldNotBeNull();
        (await server.TellAsync("EVAL", "for _, k in ipairs(redis.call('KEYS', '*:reserved')) do for _, f in ipairs(redis.call('HKEYS', k)) do redis.call('HSET', k, f, 'garbage') end end return 1", "0")).ShouldBe(":1");
        var two = (await store.ReserveAsync(berta, 1, TimeSpan.FromMinutes(5))).Reservation.ShouldNotBeNull();
        wire.IsSilent = true;
        await store.SettleAsync(one, 1);
        await store.SettleAsync(two, 1);
        wire.IsSilent = false;
        await Eventually.BeAsync(() => Replica.IsUp(gateway), "up");
        await Task.Delay(TimeSpan.FromMilliseconds(4000), TimeProvider.System, TestContext.Current.CancellationToken);
        (await store.LookAsync(berta)).Day.ShouldBe(new UnitCount(Spent: 1, Reserved: 0, Granted: 0), $"{store.UntoldCount} untold");
    }
}
