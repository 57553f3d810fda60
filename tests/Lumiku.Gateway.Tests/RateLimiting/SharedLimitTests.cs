using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Several replicas and one Redis: they count as one, go on by themselves while it is away, and make up for it afterwards.</summary>
[Collection(Alone.Name)]
public sealed class SharedLimitTests : ReplicaTests
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    [Fact]
    public async Task Units_and_slots_are_shared_too()
    {
        await StartAsync(3, isPatient: true, "Tiers:free:UnitsPerDay=50", "Tiers:free:ConcurrentRequests=5");

        for (var round = 0; round < 4; round++)
        {
            (await PassAsync(3, $"user-{round}", body: null, "quota-exceeded", "too-many-at-once")).ShouldBe(50);
        }

        HuggingFace.Received.Count.ShouldBe(4 * 50);
        (await LookAsync("user-1")).Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_replica_alone_knows_what_it_had_admitted_before()
    {
        await StartAsync(1, isPatient: false, "Tiers:free:UnitsPerDay=5", "Tiers:free:RequestsPerMinute=1", "Tiers:free:Burst=20");
        for (var i = 0; i < 3; i++)
        {
            (await AskAsync(0, "anna")).ShouldBeAnImage();
        }

        Wire.IsSilent = true;
        (await AskAsync(0, "anna")).ShouldBeAnImage();
        (await AskAsync(0, "anna")).Header("RateLimit").ShouldStartWith("\"requests\";r=15;");
        (await AskAsync(0, "anna")).ShouldBe(429, "quota-exceeded");
    }

    [Fact]
    public async Task Units_that_were_spent_while_redis_was_away_are_charged_once_when_it_is_back()
    {
        await StartAsync(1, isPatient: false, "Tiers:free:UnitsPerDay=100", $"OPERATOR_KEY={OperatorKey}");
        (await AskAsync(0, "anna")).ShouldBeAnImage();
        Wire.IsSilent = true;
        for (var i = 0; i < 5; i++)
        {
            (await AskAsync(0, "anna")).ShouldBeAnImage();
        }

        HuggingFace.BehaveNext(Misbehaviour.Empty500);
        ((int)(await AskAsync(0, "anna")).Status).ShouldBe(502);
        (await ReadyAsync(0)).ShouldContain("\"status\":\"degraded\"");
        (await ReadyAsync(0)).ShouldContain("Redis for limits at redis://127.0.0.1:");
        (await OperateAsync("POST", "/ops/limits/grant?user=anna&units=5")).ShouldBe(502, "upstream-failed");
        (await OperateAsync("POST", "/ops/limits/reset?user=anna")).ShouldBe(502, "upstream-failed");

        Wire.IsSilent = false;

        await Eventually.BeAsync(async () => await ReadyAsync(0) == """{"status":"ready"}""", "it is back");
        await Eventually.BeAsync(async () => (await LookAsync("anna")).Day == new UnitCount(Spent: 6, Reserved: 0, Granted: 0), "all are charged, and once");
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, TestContext.Current.CancellationToken);
        (await LookAsync("anna")).Month.ShouldBe(new UnitCount(Spent: 6, Reserved: 0, Granted: 0));
        (await OperateAsync("POST", "/ops/limits/grant?user=anna&units=5")).Json.GetProperty("day").GetProperty("granted").GetInt32().ShouldBe(5);
    }

    [Fact]
    public async Task A_generation_that_began_with_redis_and_ended_without_is_settled_when_it_is_back()
    {
        var upstreamTime = new ManualTime();
        await using var slow = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = upstreamTime });
        slow.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        await using var gateway = await TestGateway.StartAsync(slow, $"REDIS_URL=redis://127.0.0.1:{Wire.Port}", "Tiers:free:UnitsPerDay=100");
        await Eventually.BeAsync(() => gateway.Services.GetRequiredService<RedisState>().Connection.IsUp, "it is connected");
        var asking = gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, "free");
        await Eventually.BeAsync(() => upstreamTime.Waiting == 1, "it is being made");
        (await LookAsync("user-1", gateway)).Day.ShouldBe(new UnitCount(Spent: 0, Reserved: 1, Granted: 0));

        Wire.IsSilent = true;
        upstreamTime.Advance(TimeSpan.FromSeconds(1));
        (await asking).ShouldBeAnImage();
        ((SharedLimitStore)gateway.Services.GetRequiredService<ILimitStore>()).UntoldCount.ShouldBeInRange(1, 2, "its settlement, and perhaps its slot");
        Wire.IsSilent = false;

        await Eventually.BeAsync(() => ((SharedLimitStore)gateway.Services.GetRequiredService<ILimitStore>()).UntoldCount == 0, "it is told");
        (await LookAsync("user-1", gateway)).Day.ShouldBe(new UnitCount(Spent: 1, Reserved: 0, Granted: 0));
    }

    [Fact]
    public async Task Slots_of_a_replica_that_was_killed_are_free_within_15_seconds_for_the_others()
    {
        Assert.SkipUnless(LongRun.IsOn, LongRun.Reason);
        await StartAsync(1, isPatient: false, "Tiers:free:ConcurrentRequests=3");
        HuggingFace.Behave("*", Misbehaviour.StallBeforeHeaders);
        var dying = await GatewayProcess.ServeAsync(HuggingFace.Address, new() { ["REDIS_URL"] = Redis.Url, ["Tiers__free__ConcurrentRequests"] = "3" });
        for (var i = 0; i < 3; i++)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json($$"""{"inputs":"{{i}}"}""") };
            request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
            request.Headers.Add("X-Lumiku-User", "anna");
            _ = dying.Client.SendAsync(request, TestContext.Current.CancellationToken);
        }

        await Eventually.BeAsync(async () => (await LookAsync("anna")).Running == 3, "all slots are taken");
        HuggingFace.BehaveWell();
        (await AskAsync(0, "anna")).ShouldBe(429, "too-many-at-once");

        await dying.DisposeAsync();
        var began = TimeProvider.System.GetTimestamp();
        await Eventually.BeAsync(async () => (await AskAsync(0, "anna")).Status == System.Net.HttpStatusCode.OK, "a slot is free");

        var took = TimeProvider.System.GetElapsedTime(began);
        Figures.Add("redis", $"slots of a replica killed with three requests under way: free after {took.TotalSeconds:0.0} s (at most 15)");
    }

    [Fact]
    public async Task Nobodys_id_is_in_redis_and_everything_in_it_expires()
    {
        await StartAsync(1, isPatient: true, "Tiers:free:RequestsPerMinute=10", "Tiers:free:ConcurrentRequests=3", "Tiers:free:UnitsPerDay=9", $"OPERATOR_KEY={OperatorKey}");
        (await AskAsync(0, "anna-the-user", """{"inputs":"a secret heron"}""")).ShouldBeAnImage();
        await OperateAsync("POST", "/ops/limits/grant?user=anna-the-user&units=1");
        HuggingFace.BehaveNext(Misbehaviour.Empty500);
        await AskAsync(0, "anna-the-user", """{"inputs":"another secret heron"}""");

        const string Search = """
            local keys, endless, told = redis.call('KEYS', '*'), 0, 0
            for _, key in ipairs(keys) do
              if redis.call('PTTL', key) < 0 then endless = endless + 1 end
              local kind = redis.call('TYPE', key).ok
              local text = key .. ' '
              if kind == 'string' then text = text .. redis.call('GET', key) end
              if kind == 'hash' then text = text .. table.concat(redis.call('HGETALL', key), ' ') end
              if kind == 'zset' then text = text .. table.concat(redis.call('ZRANGE', key, 0, -1), ' ') end
              if string.find(text, 'anna-the-user', 1, true) or string.find(text, 'heron', 1, true) or string.find(text, 'key-0123', 1, true) then told = told + 1 end
            end
            return (#keys >= 4 and 0 or 100) + endless * 10 + told
            """;
        (await Redis.TellAsync("EVAL", Search, "0")).ShouldBe(":0");
    }

    [Fact]
    public async Task Garbage_under_our_names_hurts_nobody()
    {
        await StartAsync(1, isPatient: false, "Tiers:free:RequestsPerMinute=10", "Tiers:free:ConcurrentRequests=3", "Tiers:free:UnitsPerDay=9");
        (await AskAsync(0, "anna")).ShouldBeAnImage();
        await Redis.TellAsync("EVAL", "for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('SET', key, 'garbage') end return 1", "0");

        for (var i = 0; i < 4; i++)
        {
            (await AskAsync(0, "anna")).ShouldBeAnImage();
        }

        await Eventually.BeAsync(async () => (await LookAsync("anna")).Day.Spent > 0, "it is counted in Redis again");
        (await ReadyAsync(0)).ShouldBe("""{"status":"ready"}""");
    }

    [Fact]
    public async Task A_redis_that_was_flushed_counts_anew_and_nobody_fails()
    {
        await StartAsync(2, isPatient: true, "Tiers:free:RequestsPerMinute=10", "Tiers:free:ConcurrentRequests=1", "Tiers:free:UnitsPerDay=2");
        (await AskAsync(0, "anna")).ShouldBeAnImage();
        (await AskAsync(1, "anna")).ShouldBeAnImage();
        (await AskAsync(0, "anna")).ShouldBe(429, "quota-exceeded");

        (await Redis.TellAsync("FLUSHALL")).ShouldBe("+OK");
        (await Redis.TellAsync("SCRIPT", "FLUSH")).ShouldBe("+OK");

        (await AskAsync(0, "anna")).ShouldBeAnImage();
        (await AskAsync(1, "anna")).ShouldBeAnImage();
        (await AskAsync(1, "anna")).ShouldBe(429, "quota-exceeded");
    }

    /// <param name="body">Null: a picture that nobody asked for before.</param>
    private Task<Answer> AskAsync(int replica, string user, string? body = null) =>
        base.AskAsync(replica, user, body ?? NewBody());

    private async Task<LimitUsage> LookAsync(string user, TestGateway? replica = null) =>
        await (replica ?? Replicas[0]).Services.GetRequiredService<ILimitStore>().LookAsync(new Account(new Owner(IsUser: true, user), "free", UsageLimits.None, new QuotaCalendar(TimeZoneInfo.Utc)));

    private async Task<string> ReadyAsync(int replica) => await Replicas[replica].Client.GetStringAsync("/health/ready");

    private async Task<Answer> OperateAsync(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.Add("Authorization", $"Bearer {OperatorKey}");
        return await Replicas[0].SendAsync(request);
    }
}
