using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>What is shared between replicas when something is damaged, old, lost or in the way.</summary>
public sealed class SharedGenerationCareTests : ReplicaTests
{
    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
    }

    [Fact]
    public async Task Following_leaves_nothing_behind()
    {
        await StartAsync(2, true);
        for (var i = 0; i < 5; i++)
        {
            var body = $$"""{"inputs":"number {{i}}"}""";
            var leading = AskAsync(0, "a", body);
            await ShouldRenderAsync(1);
            var following = AskAsync(1, "b", body);
            await Pause(300);
            UpstreamTime.Advance(Rendering);
            await leading;
            (await following).Header("X-Cache").ShouldBe("COALESCED");
        }

        await Pause(1500);
        var shared = Replicas[1].Services.GetRequiredService<SharedFlights>();
        shared.Followed.ShouldBe(0);
    }

    [Fact]
    public async Task A_manifest_with_a_flipped_bit_is_never_served_nor_a_500()
    {
        HuggingFace.BehaveWell();
        await StartAsync(2, true);
        (await AskAsync(0, "a")).ShouldBeAnImage();
        await Pause(1000);

        // The 'p' of image/png: one bit.
        (await Redis.TellAsync("EVAL", "for _, k in ipairs(redis.call('KEYS', 'lumiku:image:1:*}')) do local v = redis.call('GET', k) local at = string.find(v, 'image/png', 1, true) redis.call('SETRANGE', k, at + 5, 'q') end return #redis.call('KEYS', 'lumiku:image:1:*}')", "0")).ShouldBe(":1");
        var answer = await AskAsync(1, "b");
        answer.ShouldBeAnImage();
    }

    [Fact]
    public async Task A_manifest_with_another_flipped_bit_is_no_500()
    {
        HuggingFace.BehaveWell();
        await StartAsync(2, true);
        (await AskAsync(0, "a")).ShouldBeAnImage();
        await Pause(1000);

        // The 'o' of x-compute-time: one bit.
        (await Redis.TellAsync("EVAL", "for _, k in ipairs(redis.call('KEYS', 'lumiku:image:1:*}')) do local v = redis.call('GET', k) local at = string.find(v, 'x-compute', 1, true) redis.call('SETRANGE', k, at + 2, string.char(0x7f)) end return 1", "0")).ShouldBe(":1");
        var answer = await AskAsync(1, "b");
        answer.ShouldBeAnImage();
    }

    [Fact]
    public async Task Where_images_cannot_be_kept_the_followers_do_not_queue_up()
    {
        for (var i = 0; i < 3; i++)
        {
            var gateway = await TestGateway.StartAsync(HuggingFace, $"REDIS_URL=redis://127.0.0.1:{Wire.Port}", "Redis:Images=redis://127.0.0.1:1");
            Replicas.Add(gateway);
            await Eventually.BeAsync(() => gateway.Services.GetRequiredService<RedisState>().Connection.IsUp, "up");
        }

        var asking = Enumerable.Range(0, 3).Select(i => AskAsync(i, $"user-{i}")).ToArray();
        await ShouldRenderAsync(1);
        await Pause(500);
        UpstreamTime.Advance(Rendering);
        await Eventually.BeAsync(() => HuggingFace.Received.Count > 1, "the next is made");
        await Pause(1500);
        var atOnce = HuggingFace.Received.Count;
        for (var i = 0; i < 5; i++)
        {
            await Pause(1000);
            UpstreamTime.Advance(Rendering);
        }

        await Task.WhenAll(asking);
        atOnce.ShouldBe(3, "both that followed make theirs at once, not one after the other");
    }

    [Fact]
    public async Task No_cache_that_follows_gets_the_image_it_followed_not_an_old_one()
    {
        await StartAsync(2, true);
        var old = AskAsync(1, "old");
        await ShouldRenderAsync(1);
        UpstreamTime.Advance(Rendering);
        await old;
        await Pause(800);

        // What this replica has in memory is old: another image.
        var cache = Replicas[1].Services.GetRequiredService<ImageCache>();
        using (var stale = SomeImages.Lease(5000, 1))
        {
            cache.Keep(FlightBench.KeyOf(FlightBench.Body, TestGateway.Sd3), stale, TimeSpan.FromDays(1)).ShouldBeTrue();
        }

        var leading = AskAsync(0, "a", cacheControl: "no-cache");
        await ShouldRenderAsync(1);
        var following = AskAsync(1, "b", cacheControl: "no-cache");
        await Pause(400);
        UpstreamTime.Advance(Rendering);
        var fresh = await leading;
        fresh.ShouldBeAnImage();
        var got = await following;
        got.Header("X-Cache").ShouldBe("COALESCED");
        got.Body.ShouldBe(fresh.Body);
    }

    [Fact]
    public async Task Who_has_an_image_and_asks_for_another_gets_another_while_the_first_is_being_written()
    {
        await using var imagesWire = new FaultProxy(Redis.Port);
        await using var hf = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { ImageBytes = 1_200_000 });
        string[] settings = [$"REDIS_URL=redis://127.0.0.1:{Redis.Port}", $"Redis:Images=redis://127.0.0.1:{imagesWire.Port}", "Cache:Unseeded=RetryOnly"];
        await using var gateway = await TestGateway.StartAsync(hf, settings);
        await Eventually.BeAsync(() => Replica.IsUp(gateway), "up");
        await using var other = await TestGateway.StartAsync(hf, settings);
        await Eventually.BeAsync(() => Replica.IsUp(other), "up");
        imagesWire.Delay = TimeSpan.FromMilliseconds(40);
        var first = await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, "pro");
        var second = await other.GenerateAsync(TestGateway.Sd3, FlightBench.Body, "pro");
        first.Header("X-Cache").ShouldBe("MISS");
        second.Header("X-Cache").ShouldBe("MISS", "asked for after the first was received: a new one is meant");
    }

    [Fact]
    public async Task A_claim_that_was_received_at_one_replica_is_not_served_again_at_another()
    {
        await StartAsync(2, true, "Cache:Unseeded=RetryOnly");
        using var leaving = new CancellationTokenSource();
        var leaver = AskAsync(0, "anna", leaving: leaving.Token);
        await ShouldRenderAsync(1);
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(leaver);
        await Pause(300);
        UpstreamTime.Advance(Rendering);
        await Pause(1000);
        HuggingFace.BehaveWell();
        (await AskAsync(1, "anna")).Header("X-Cache").ShouldBe("HIT");
        await Pause(300);
        (await AskAsync(0, "anna")).Header("X-Cache").ShouldBe("MISS", "she has it already, and asked for a new one");
    }

    [Fact]
    public async Task Garbage_under_a_flights_name_hurts_nobody()
    {
        HuggingFace.BehaveWell();
        await StartAsync(1, true, $"Models:Catalog:{TestGateway.Sd3}:WaitLimit=00:00:15");
        (await AskAsync(0, "a", cacheControl: "no-cache")).ShouldBeAnImage();
        (await Redis.TellAsync("EVAL", "for _, k in ipairs(redis.call('KEYS', 'lumiku:image:1:*}')) do redis.call('SET', 'lumiku:flight:1:' .. string.match(k, '{.*}'), 'garbage') end return 1", "0")).ShouldBe(":1");
        (await AskAsync(0, "a", cacheControl: "no-cache")).ShouldBeAnImage();
    }

    private static Task Pause(int ms) => Task.Delay(TimeSpan.FromMilliseconds(ms), TimeProvider.System, TestContext.Current.CancellationToken);
}
