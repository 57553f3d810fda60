using System.IO.Hashing;
using System.Text.Json.Nodes;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ResponseCaching.Purging;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>What one replica is told to purge is gone from the memory of all, and from Redis.</summary>
public sealed class SharedPurgeTests : ReplicaTests
{
    private const string Heron = """{"inputs":"a heron"}""";
    private const string Comet = """{"inputs":"a comet"}""";

    [Theory]
    [InlineData("etag")]
    [InlineData("model")]
    [InlineData("user")]
    [InlineData("request")]
    public async Task It_is_gone_from_every_memory_and_from_redis_and_others_are_not(string by)
    {
        await StartAsync(3);
        var made = await ShouldBeEverywhereAsync(Heron, "anna", TestGateway.Sd3);
        await ShouldBeEverywhereAsync(Comet, "ben", TestGateway.Xl);
        var value = by switch { "etag" => made.Header("ETag").Trim('"'), "model" => TestGateway.Sd3, "user" => "anna", _ => made.Header("X-Request-Id") };

        await ShouldRemoveAsync(replica: 1, $"{by}={value}", memory: 3, replicas: 3, redis: 1);

        ShouldKeep(1, 1, 1);
        (await ManifestsAsync()).ShouldBe(1);
        (await AskAsync(2, "carl", Heron, model: TestGateway.Sd3)).Header("X-Cache").ShouldBe("MISS");
        (await AskAsync(2, "carl", Comet, model: TestGateway.Xl)).Header("X-Cache").ShouldBe("HIT");
    }

    [Fact]
    public async Task A_request_that_another_replica_answered_with_a_kept_image_leads_to_it()
    {
        await StartAsync(3);
        await ShouldBeEverywhereAsync(Heron, "anna", TestGateway.Sd3);
        var hit = await AskAsync(2, "ben", Heron);
        hit.Header("X-Cache").ShouldBe("HIT");

        await ShouldRemoveAsync(replica: 0, $"request={hit.Header("X-Request-Id")}", memory: 3, replicas: 3, redis: 1);

        ShouldKeep(0, 0, 0);
        (await ManifestsAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Replicas_that_hear_no_message_purge_within_two_seconds()
    {
        await StartAsync(3);
        await ShouldBeEverywhereAsync(Heron, "anna", TestGateway.Sd3);
        foreach (var replica in Replicas)
        {
            replica.Services.GetRequiredService<RedisState>().Connection.Listen("lumiku:purges:1", heard: null);
        }

        await ShouldRemoveAsync(replica: 0, "user=anna", memory: 3, replicas: 3, redis: 1);

        ShouldKeep(0, 0, 0);
    }

    [Fact]
    public async Task A_replica_that_was_cut_off_purges_when_it_is_back()
    {
        await StartAsync(2);
        await using var wire = new FaultProxy(Redis.Port);
        Replicas.Add(await Replica.StartAsync(HuggingFace, wire.Port, isPatient: false, PurgeCalls.Setting));
        await ShouldBeEverywhereAsync(Heron, "anna", TestGateway.Sd3);
        wire.IsSilent = true;
        await Eventually.BeAsync(() => !Replica.IsUp(Replicas[2]), "it has noticed");

        await ShouldRemoveAsync(replica: 0, "user=anna", memory: 2, replicas: 2, redis: 1);
        ShouldKeep(0, 0, 1);
        (await AskAsync(2, "ben", Heron)).Header("X-Cache").ShouldBe("HIT", "nobody could tell it");

        wire.CutAll();
        wire.IsSilent = false;
        await Eventually.BeAsync(() => CountAt(2) == 0, "it has heard of it");
    }

    [Theory]
    [InlineData("Reuse", "user=anna")]
    [InlineData("RetryOnly", "model=" + TestGateway.Sd3)]
    public async Task An_image_that_another_replica_is_making_is_kept_nowhere_and_who_waits_gets_one(string unseeded, string purged)
    {
        HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        await StartAsync(3, $"Cache:Unseeded={unseeded}");
        var leading = AskAsync(0, "anna", Heron);
        await ShouldRenderAsync(1);
        var following = AskAsync(1, "ben", Heron);
        await PauseAsync();

        await ShouldRemoveAsync(replica: 2, purged, memory: 0, replicas: 3, redis: 0);
        UpstreamTime.Advance(Rendering);

        (await leading).ShouldBeAnImage();
        await ShouldRenderAsync(1);
        ShouldKeep(0, 0, 0);
        (await ManifestsAsync()).ShouldBe(0);
        UpstreamTime.Advance(Rendering);
        (await following).ShouldBeAnImage();
    }

    [Fact]
    public async Task An_image_that_is_being_written_to_redis_meanwhile_does_not_stay_there()
    {
        await StartAsync(2);
        await using var slow = new FaultProxy(Redis.Port);
        Replicas.Add(await Replica.StartAsync(HuggingFace, Wire.Port, isPatient: true, PurgeCalls.Setting, $"Redis:Images=redis://127.0.0.1:{slow.Port}"));
        using var image = SomeImages.Lease(1_200_000, seed: 1);
        slow.Delay = TimeSpan.FromMilliseconds(200);
        var writing = Replicas[2].Services.GetRequiredService<KeptImages>().ShareAsync(SomeImages.Key(1), image, SomeImages.Day);
        await Eventually.BeAsync(async () => await CountAsync("lumiku:image:1:*") > 0, "it is being written");

        await ShouldRemoveAsync(replica: 0, "model=A/B", memory: 0, replicas: 3, redis: 0);

        (await writing).ShouldBeFalse();
        (await CountAsync("lumiku:image:1:*")).ShouldBe(0);
    }

    [Fact]
    public async Task One_that_reaches_redis_by_a_replica_that_knows_nothing_of_the_purge_is_not_served()
    {
        await StartAsync(2);
        await ShouldRemoveAsync(replica: 0, "model=a/b", memory: 0, replicas: 2, redis: 0);
        await using var redis = Replica.Connect(Redis.Url, "images");
        await Eventually.BeAsync(() => redis.IsUp, "up");
        using var image = SomeImages.Lease(100_000, seed: 1);
        (await new SharedImages(redis, new RedisOptions(), new PurgeList(), new ImagesRoom(redis, new RedisOptions(), TimeProvider.System, NullLogger<ImagesRoom>.Instance), NullLogger<SharedImages>.Instance).KeepAsync(SomeImages.Key(1), image, SomeImages.Day)).ShouldBeTrue();

        (await Replicas[1].Services.GetRequiredService<KeptImages>().FindAsync(SomeImages.Key(1))).ShouldBeNull();

        (await CountAsync("lumiku:image:1:*")).ShouldBe(0);
    }

    [Fact]
    public async Task An_image_of_an_earlier_release_is_found_and_can_be_purged_by_its_model()
    {
        await StartAsync(1);
        await AskAsync(0, "anna", Heron);
        await Eventually.BeAsync(async () => await ManifestsAsync() == 1, "it is written");
        await using var redis = Replica.Connect(Redis.Url, "images");
        await Eventually.BeAsync(() => redis.IsUp, "up");
        var key = (await redis.EvaluateAsync("return redis.call('KEYS', 'lumiku:image:1:*}')", "k")).Text(0)!;
        var json = JsonNode.Parse((await redis.GetAsync(key, TimeSpan.FromSeconds(5)))!.AsSpan(16))!.AsObject();
        (json.Remove("Origin"), json.Remove("Claimant")).ShouldBe((true, true));
        var old = System.Text.Encoding.UTF8.GetBytes(json.ToJsonString());
        await redis.SetAsync(key, [.. XxHash128.Hash(old), .. old], SomeImages.Day, TimeSpan.FromSeconds(5));
        await StartAsync(1);

        (await AskAsync(1, "ben", Heron)).Header("X-Cache").ShouldBe("HIT");
        await ShouldRemoveAsync(replica: 0, $"model={TestGateway.Sd3}", memory: 2, replicas: 2, redis: 1);
    }

    [Fact]
    public async Task Without_redis_nothing_is_removed_and_the_operator_is_told()
    {
        await StartAsync(2, isPatient: false, PurgeCalls.Setting);
        await ShouldBeEverywhereAsync(Heron, "anna", TestGateway.Sd3);
        Redis.Kill();

        var refused = await Replicas[0].PurgeAsync("user=anna");

        refused.ShouldBe(502, "upstream-failed");
        refused.Error.ShouldStartWith("Redis, through which all replicas hear of a purge, did not answer; nothing was removed");
        refused.Header("Retry-After").ShouldNotBeEmpty();
        ShouldKeep(1, 1);
        Redis.Start();
        await Eventually.BeAsync(async () => (int)(await Replicas[0].PurgeAsync("user=anna")).Status == 200, "it is told");
        await Eventually.BeAsync(() => CountAt(0) + CountAt(1) == 0, "it is purged");
    }

    [Fact]
    public async Task Where_only_images_are_out_of_reach_no_replica_serves_them_and_the_operator_is_told()
    {
        await using var images = await RedisServer.StartAsync();
        await StartAsync(2, isPatient: false, PurgeCalls.Setting, $"Redis:Images={images.Url}");
        await ShouldBeEverywhereAsync(Heron, "anna", TestGateway.Sd3);
        images.Kill();

        var unfinished = await Replicas[0].PurgeAsync("user=anna");

        unfinished.ShouldBe(502, "upstream-failed");
        unfinished.Error.ShouldStartWith("Redis did not answer to the end: no replica that reaches it serves these images any more");
        ShouldKeep(0, 0);
    }

    [Fact]
    public async Task Nothing_in_redis_tells_whose_images_they_are_and_everything_expires()
    {
        const string User = "anna-whom-nobody-may-know";
        await StartAsync(1);
        var made = await AskAsync(0, User, Heron);
        await Eventually.BeAsync(async () => await ManifestsAsync() == 1, "it is written");
        await ShouldRemoveAsync(replica: 0, $"user={User}", memory: 1, replicas: 1, redis: 1);
        await ShouldRemoveAsync(replica: 0, $"request={made.Header("X-Request-Id")}", memory: 0, replicas: 1, redis: 0);
        await AskAsync(0, User, Heron);
        await Eventually.BeAsync(async () => await ManifestsAsync() == 1, "it is written");

        (await Redis.TellAsync("EVAL", $$"""
            local wrong, seen = 0, 0
            local read = {
              string = function(key) return redis.call('GET', key) end,
              set = function(key) return table.concat(redis.call('SMEMBERS', key), ' ') end,
              zset = function(key) return table.concat(redis.call('ZRANGE', key, 0, -1), ' ') end,
              hash = function(key) return table.concat(redis.call('HGETALL', key), ' ') end,
            }
            for _, key in ipairs(redis.call('KEYS', '*')) do
              seen = seen + 1
              local text = key .. read[redis.call('TYPE', key).ok](key)
              if redis.call('PTTL', key) < 0 or string.find(text, '{{User}}', 1, true) or string.find(text, '{{made.Header("X-Request-Id")}}', 1, true) then
                wrong = wrong + 1
              end
            end
            return seen > 5 and wrong or -1
            """, "0")).ShouldBe(":0");
    }

    private Task StartAsync(int replicas, params string[] settings) => StartAsync(replicas, isPatient: true, [PurgeCalls.Setting, .. settings]);

    /// <summary>One replica makes it, and each has it in its memory.</summary>
    private async Task<Answer> ShouldBeEverywhereAsync(string body, string user, string model)
    {
        var made = await AskAsync(0, user, body, model: model);
        made.Header("X-Cache").ShouldBe("MISS");
        for (var replica = 1; replica < Replicas.Count; replica++)
        {
            await Eventually.BeAsync(async () => (await AskAsync(replica, "another", body, model: model)).Header("X-Cache") == "HIT", $"replica {replica} has it");
        }

        return made;
    }

    private async Task ShouldRemoveAsync(int replica, string query, int memory, int replicas, int redis)
    {
        var answer = await Replicas[replica].PurgeAsync(query);

        System.Text.Encoding.UTF8.GetString(answer.Body).ShouldBe($$"""{"by":"{{query.Split('=')[0]}}","memory":{{memory}},"replicas":{{replicas}},"redis":{{redis}}}""");
    }

    private void ShouldKeep(params int[] images) => Enumerable.Range(0, images.Length).Select(CountAt).ShouldBe(images);

    private int CountAt(int replica) => Replicas[replica].Services.GetRequiredService<ImageCache>().Count;

    private Task<int> ManifestsAsync() => CountAsync("lumiku:image:1:*}");

    private async Task<int> CountAsync(string pattern) => int.Parse((await Redis.TellAsync("EVAL", $"return #redis.call('KEYS', '{pattern}')", "0")).TrimStart(':'));

    private static Task PauseAsync() => Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, TestContext.Current.CancellationToken);
}
