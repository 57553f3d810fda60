using System.Diagnostics;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Telemetry.Explanations;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>With Redis any replica tells any story; without it each tells its own, and no request waits or fails for that.</summary>
[Collection(Alone.Name)]
public sealed class SharedStoriesTests : ReplicaTests
{
    [Fact]
    public async Task A_story_is_told_by_the_other_replica_and_to_its_own_caller_alone()
    {
        await StartAsync(2, isPatient: true, Explained.WithOperator, "Callers:other:Key=other-key-0123456789abcdef");
        var answer = await AskAsync(0, "anna", tier: "free", model: TestGateway.Dev);
        var here = await Replicas[0].StoryOfAsync(answer);

        var there = await Replicas[1].StoryOfAsync(answer);

        there.GetRawText().ShouldBe(here.GetRawText());
        (await Replicas[1].StoryOfAsync(answer, TestGateway.BackendKey)).GetRawText().ShouldBe(here.GetRawText());
        (await Replicas[1].ExplainAsync(answer.Header("X-Request-Id"), "other-key-0123456789abcdef")).ShouldBe(404, "unknown-route");
    }

    [Fact]
    public async Task Stories_lie_in_Redis_for_a_day_under_names_that_tell_nothing()
    {
        await StartAsync(1, isPatient: true, Explained.WithOperator, "Redis:KeyPrefix=mine");
        await Replicas[0].GenerateAsync(TestGateway.Sd3, FlightBench.Body, change: Explained.As("request-1"));
        await Eventually.BeAsync(async () => await CountAsync() == 1, "it is there");

        var name = await Redis.TellAsync("EVAL", "local key = redis.call('KEYS', 'mine:story:*')[1] return '+' .. key .. ' ' .. math.ceil(redis.call('TTL', key) / 3600)", "0");

        name.ShouldStartWith("$");
        (await Redis.TellAsync("EVAL", "local key = redis.call('KEYS', 'mine:story:*')[1] return math.ceil(redis.call('TTL', key) / 3600)", "0")).ShouldBe(":24");
        (await Redis.TellAsync("EVAL", "return string.match(redis.call('KEYS', 'mine:story:*')[1], '^mine:story:1:{%x+}$') and 1 or 0", "0")).ShouldBe(":1");

        async Task<int> CountAsync() => int.Parse((await Redis.TellAsync("EVAL", "return #redis.call('KEYS', 'mine:story:*')", "0"))[1..]);
    }

    [Fact]
    public async Task An_id_used_at_two_replicas_has_both_stories_the_newest_first_and_of_many_the_last_four()
    {
        await StartAsync(2, isPatient: true, Explained.WithOperator);
        for (var i = 0; i < 6; i++)
        {
            await Replicas[0].GenerateAsync(TestGateway.Sd3, FlightBench.Body, change: Explained.As("twice"));
        }

        await Eventually.BeAsync(async () => await Replicas[0].Services.GetRequiredService<SharedStories>().FindAsync("twice", reader: null) is [{ Number: var number }, ..] && number.EndsWith("-6", StringComparison.Ordinal), "the sixth was written");
        await Replicas[1].GenerateAsync(TestGateway.Sd3, "no JSON", change: Explained.As("twice"));
        await Eventually.BeAsync(async () => (await StoriesAsync(1)).Length == 4 && (await StoriesAsync(0)).Length == 7, "all were written");

        (await StoriesAsync(1)).ShouldBe(["malformed-body", "ok", "ok", "ok"]);
        (await StoriesAsync(0))[0].ShouldBe("malformed-body");

        async Task<string?[]> StoriesAsync(int replica)
        {
            var answer = await Replicas[replica].ExplainAsync("twice");
            return (int)answer.Status == 200 ? answer.Json.GetProperty("stories").Each("outcome") : [];
        }
    }

    [Fact]
    public async Task While_Redis_is_silent_or_gone_stories_are_told_from_memory_and_no_request_waits_for_them()
    {
        await StartAsync(1, isPatient: false, Explained.WithOperator);
        (await AskAsync(0, "anna")).ShouldBeAnImage();
        Wire.IsSilent = true;
        await Eventually.BeAsync(
            async () =>
            {
                await AskAsync(0, "anna");
                return !Replica.IsUp(Replicas[0]);
            },
            "it is known to be away");
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 200; i++)
        {
            (await AskAsync(0, "anna")).ShouldBeAnImage();
        }

        var last = await AskAsync(0, "anna");
        (await Replicas[0].StoryOfAsync(last)).Say("cache", "result").ShouldBe("HIT");
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(18), "each waiting for Redis would take more");
    }

    [Fact]
    public async Task What_cannot_be_written_in_time_is_let_go_and_telling_never_waits()
    {
        await StartAsync(1, isPatient: true, Explained.WithOperator);
        var shared = Replicas[0].Services.GetRequiredService<SharedStories>();
        Wire.IsSilent = true;

        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 50_000; i++)
        {
            shared.Tell(new RequestStory { RequestId = "x", Reader = "backend" });
        }

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10), "each waiting for Redis would take hours");
        Wire.IsSilent = false;
        (await AskAsync(0, "anna")).ShouldBeAnImage();
    }

    [Fact]
    public async Task Something_else_under_a_storys_name_is_no_storys_end()
    {
        await StartAsync(2, isPatient: true, Explained.WithOperator);
        await AskAsync(0, "anna");
        await Eventually.BeAsync(async () => (await Redis.TellAsync("EVAL", "return #redis.call('KEYS', '*:story:*')", "0")) == ":1", "it is there");
        var first = await Replicas[0].GenerateAsync(TestGateway.Sd3, FlightBench.Body, change: Explained.As("spoiled"));
        await Replicas[1].StoryAsync("spoiled");
        await Redis.TellAsync("EVAL", "for _, key in ipairs(redis.call('KEYS', '*:story:*')) do redis.call('SET', key, 'x') end return 1", "0");

        (await Replicas[0].StoryOfAsync(first)).Say("outcome").ShouldBe("ok");
        (await Replicas[1].ExplainAsync("spoiled")).ShouldBe(404, "unknown-route");
        Replicas.ShouldAllBe(replica => replica.Services.GetRequiredService<RedisImages>().Connection.IsUp);
    }

    [Fact]
    public async Task Who_followed_another_replicas_generation_is_told_so()
    {
        HuggingFace.Behave("*", Lumiku.HuggingFace.Simulator.Misbehaviour.Delay(Rendering));
        await StartAsync(2, isPatient: true, Explained.WithOperator);
        var first = AskAsync(0, "anna");
        await ShouldRenderAsync(1);
        var second = AskAsync(1, "ben");
        await Eventually.BeAsync(() => Replicas[1].Services.GetRequiredService<Lumiku.Gateway.Generation.SharedFlights>().Followed == 1, "it follows");
        UpstreamTime.Advance(Rendering);
        await first;

        var story = await Replicas[1].StoryOfAsync(await second);

        (story.Say("cache", "result"), story.At("generation", "ofAnotherReplica").GetBoolean(), story.At("generation", "attempts").GetArrayLength()).ShouldBe(("COALESCED", true, 0));
    }
}
