using System.Diagnostics;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Redis;

/// <summary>A Redis may be absent, killed, frozen, slow, full, locked or forgetful: nothing waits for it, and it is used again once it is well.</summary>
public class RedisConnectionTests
{
    private const string Echo = "return { tonumber(ARGV[1]), ARGV[2] }";

    [Fact]
    public async Task A_script_answers_numbers_and_texts()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Connect(server.Port);
        await ShouldComeUpAsync(redis);

        var reply = await redis.EvaluateAsync(Echo, "k", "9007199254740991", "text");

        (reply.Number(0), reply.Text(1)).ShouldBe((9007199254740991, "text"));
        redis.Problem.ShouldBeNull();
    }

    [Fact]
    public async Task One_that_is_absent_at_the_start_is_connected_to_when_it_comes()
    {
        var server = await RedisServer.StartAsync();
        server.Kill();
        await using var redis = Connect(server.Port);

        await ShouldFailFastAsync(redis);
        redis.IsUp.ShouldBeFalse();
        redis.Problem.ShouldNotBeNull().ShouldStartWith($"Redis for limits at redis://127.0.0.1:{server.Port}/0 is away: ");

        server.Start();
        await ShouldComeUpAsync(redis);
        (await redis.EvaluateAsync(Echo, "k", "1", "")).Number(0).ShouldBe(1);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task One_that_is_killed_is_used_again_when_it_is_back()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Connect(server.Port);
        await ShouldComeUpAsync(redis);

        server.Kill();
        await ShouldGoDownAsync(redis);
        await ShouldFailFastAsync(redis);
        server.Start();

        await ShouldComeUpAsync(redis);
        (await redis.EvaluateAsync(Echo, "k", "1", "")).Number(0).ShouldBe(1);
    }

    [Fact]
    public async Task One_that_freezes_costs_the_first_calls_their_budget_and_is_used_again_when_it_thaws()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Connect(server.Port);
        await ShouldComeUpAsync(redis);

        server.Freeze();
        await ShouldGoDownAsync(redis);
        await ShouldFailFastAsync(redis);
        // Long enough for its connection to be replaced, in vain.
        await Task.Delay(TimeSpan.FromSeconds(7), TimeProvider.System, TestContext.Current.CancellationToken);
        redis.IsUp.ShouldBeFalse();
        await ShouldFailFastAsync(redis);

        server.Thaw();
        await ShouldComeUpAsync(redis);
    }

    [Fact]
    public async Task A_connection_that_is_dead_without_a_word_is_replaced()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        await using var redis = Connect(wire.Port);
        await ShouldComeUpAsync(redis);
        var connections = wire.Connections;

        wire.IsSilent = true;
        await ShouldGoDownAsync(redis);
        await Eventually.BeAsync(() => wire.Connections > connections, "another connection was tried");
        wire.IsSilent = false;

        await ShouldComeUpAsync(redis);
        (await redis.EvaluateAsync(Echo, "k", "1", "")).Number(0).ShouldBe(1);
    }

    [Fact]
    public async Task One_that_is_slow_is_not_used_and_does_not_come_and_go()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        await using var redis = Connect(wire.Port, callTimeout: new RedisOptions().CallTimeout);
        await ShouldComeUpAsync(redis);
        var ups = 0;
        redis.CameUp += () => Interlocked.Increment(ref ups);

        wire.Delay = TimeSpan.FromMilliseconds(200);
        await ShouldGoDownAsync(redis);
        await Task.Delay(TimeSpan.FromSeconds(4), TimeProvider.System, TestContext.Current.CancellationToken);
        ups.ShouldBe(0);
        redis.Problem.ShouldNotBeNull().ShouldEndWith("is away: it answers slowly");

        wire.Delay = TimeSpan.Zero;
        await ShouldComeUpAsync(redis);
    }

    [Fact]
    public async Task A_reply_that_is_cut_costs_that_call_alone()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        await using var redis = Connect(wire.Port);
        await ShouldComeUpAsync(redis);
        await redis.EvaluateAsync(Echo, "k", "1", "");

        for (var i = 0; i < 5; i++)
        {
            wire.CutNextAnswerAfter(i);
            await Should.ThrowAsync<RedisUnavailableException>(redis.EvaluateAsync(Echo, "k", "1", ""));
            await Eventually.BeAsync(async () => await WorksAsync(redis), "it works again");
        }
    }

    [Fact]
    public async Task A_script_that_was_forgotten_is_sent_again()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Connect(server.Port);
        await ShouldComeUpAsync(redis);

        for (var i = 0; i < 20; i++)
        {
            (await redis.EvaluateAsync(Echo, "k", $"{i}", "")).Number(0).ShouldBe(i);
            (await server.TellAsync("SCRIPT", "FLUSH")).ShouldBe("+OK");
        }

        redis.IsUp.ShouldBeTrue();
    }

    [Fact]
    public async Task A_wrong_password_is_told_without_the_password()
    {
        await using var server = await RedisServer.StartAsync("--requirepass", "right");
        await using var redis = Connect(server.Port, "redis://:wrong-secret@127.0.0.1:{0}");

        await Eventually.BeAsync(() => redis.Problem?.EndsWith("it refuses the password", StringComparison.Ordinal) == true || redis.Problem?.EndsWith("there is no connection", StringComparison.Ordinal) == true, "the reason is known");

        redis.Problem.ShouldNotBeNull().ShouldNotContain("wrong-secret");
        await ShouldFailFastAsync(redis);
        await using var right = Connect(server.Port, "redis://:right@127.0.0.1:{0}");
        await ShouldComeUpAsync(right);
    }

    [Fact]
    public async Task A_database_that_is_none_is_told_and_does_not_end_the_looking()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Connect(server.Port, "redis://127.0.0.1:{0}/99");

        await Eventually.BeAsync(() => redis.Problem?.EndsWith("it has not been reached yet", StringComparison.Ordinal) == false, "the reason is known");

        await ShouldFailFastAsync(redis);
    }

    [Fact]
    public async Task One_whose_memory_is_full_is_away_until_there_is_room()
    {
        await using var server = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using var redis = Connect(server.Port);
        await ShouldComeUpAsync(redis);

        await server.TellAsync("CONFIG", "SET", "maxmemory", "1");
        await Eventually.BeAsync(
            async () =>
            {
                await Should.ThrowAsync<RedisUnavailableException>(redis.EvaluateAsync("redis.call('SET', KEYS[1], 1) return { 1 }", "k"));
                return !redis.IsUp;
            },
            "it is away");
        await Eventually.BeAsync(() => redis.Problem!.EndsWith("its memory is full", StringComparison.Ordinal), "and why");

        await server.TellAsync("CONFIG", "SET", "maxmemory", "0");
        await ShouldComeUpAsync(redis);
    }

    /// <param name="callTimeout">Null: more than is shipped, as a busy machine takes its time for a healthy answer too.</param>
    private static RedisConnection Connect(int port, string url = "redis://127.0.0.1:{0}", TimeSpan? callTimeout = null) => new(
        RedisUrl.Parse(string.Format(System.Globalization.CultureInfo.InvariantCulture, url, port), out _)!,
        "limits",
        new RedisOptions { CallTimeout = callTimeout ?? TimeSpan.FromMilliseconds(400) },
        TimeProvider.System,
        NullLogger<RedisConnection>.Instance);

    private static Task ShouldComeUpAsync(RedisConnection redis) => Eventually.BeAsync(() => redis.IsUp, "it is up");

    /// <summary>Each call ends by its budget; after three of them none is tried.</summary>
    private static Task ShouldGoDownAsync(RedisConnection redis) => Eventually.BeAsync(async () => !await WorksAsync(redis) && !redis.IsUp, "it is away");

    /// <summary>Not a measurement: a hundred calls that each waited for their budget would take forty seconds.</summary>
    private static async Task ShouldFailFastAsync(RedisConnection redis)
    {
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 100; i++)
        {
            await Should.ThrowAsync<RedisUnavailableException>(redis.EvaluateAsync(Echo, "k", "1", ""));
        }

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
    }

    private static async Task<bool> WorksAsync(RedisConnection redis)
    {
        try
        {
            await redis.EvaluateAsync(Echo, "k", "1", "");
            return true;
        }
        catch (RedisUnavailableException)
        {
            return false;
        }
    }
}
