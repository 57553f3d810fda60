using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Ends of generations that Redis did not hear of, and clocks that are set back.</summary>
[Collection(Alone.Name)]
public sealed class LostLandingTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_redis_whose_clock_is_set_back_refuses_nobody_for_as_long()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Replica.Connect(server.Url, "limits");
        await Eventually.BeAsync(() => redis.IsUp, "up");
        await using var hf = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(hf, "Tiers:free:RequestsPerMinute=60", "Tiers:free:Burst=5", "Tiers:free:ConcurrentRequests=1");
        var clock = new ManualTime();
        var store = new RedisLimitStore(redis, "test", TimeProvider.System, clock);
        var limits = gateway.Services.GetRequiredService<CurrentSettings>().Value.Tiers.Default.Limits;
        var account = new Account(new Owner(IsUser: true, "anna"), "free", limits, new QuotaCalendar(TimeZoneInfo.Utc));
        var lease = (await store.AdmitAsync(account, takesSlot: false)).Violated;
        lease.ShouldBe(LimitPolicies.None);
        clock.Advance(TimeSpan.FromHours(-2));
        clock.Advance(TimeSpan.FromMinutes(10));
        (await store.AdmitAsync(account, takesSlot: false)).Violated.ShouldBe(LimitPolicies.None, "ten minutes have passed, by whatever clock");
    }

    [Fact]
    public async Task A_landing_that_was_lost_costs_those_who_follow_little()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        var upstream = new ManualTime();
        await using var hf = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = upstream });
        hf.Behave("*", Misbehaviour.Delay(Rendering));
        await using var one = await TestGateway.StartAsync(hf, $"REDIS_URL=redis://127.0.0.1:{wire.Port}", $"Redis:Images=redis://127.0.0.1:{server.Port}");
        await using var two = await Replica.StartAsync(hf, server.Port, isPatient: true);
        await Eventually.BeAsync(() => Replica.IsUp(one), "up");
        var leading = AskAsync(one, "a");
        await Eventually.BeAsync(() => upstream.Waiting == 1, "made");
        var following = AskAsync(two, "b");
        await PauseAsync(500);
        wire.IsSilent = true;
        upstream.Advance(Rendering);
        (await leading).ShouldBeAnImage();
        await PauseAsync(500);
        wire.CutAll();
        await PauseAsync(300);
        wire.IsSilent = false;
        var began = TimeProvider.System.GetTimestamp();
        (await following).ShouldBeAnImage();
        TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(7), "a claim that nobody ends lasts longer");
    }

    private static Task PauseAsync(int ms) => Task.Delay(TimeSpan.FromMilliseconds(ms), TimeProvider.System, Token);

    private static Task<Answer> AskAsync(TestGateway gateway, string user) => gateway.GenerateAsync(
        TestGateway.Sd3, FlightBench.Body, change: request => request.Headers.Add("X-Lumiku-User", user));
}
