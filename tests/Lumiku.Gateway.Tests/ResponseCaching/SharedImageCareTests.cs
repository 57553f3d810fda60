using Lumiku.Gateway.Entitlements;
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

/// <summary>Images in Redis where clocks differ, rights are missing, or this process keeps none.</summary>
[Collection(Alone.Name)]
public sealed class SharedImageCareTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_image_of_a_replica_whose_clock_is_behind_is_found_and_not_deleted()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Replica.Connect(server.Url, "images");
        await Eventually.BeAsync(() => redis.IsUp, "up");
        var (behind, ahead) = (new ManualTime(), new ManualTime());
        ahead.Step(TimeSpan.FromSeconds(61));
        using var image = SomeImages.Lease(1000, 1);
        await Images(redis, behind).KeepAsync(SomeImages.Key(1), image, TimeSpan.FromMinutes(1));
        var atOther = await Images(redis, ahead).FindAsync(SomeImages.Key(1));
        var again = await Images(redis, behind).FindAsync(SomeImages.Key(1));
        (atOther is not null, again is not null).ShouldBe((true, true));
    }

    [Fact]
    public async Task A_user_without_dangerous_commands_shares_images_all_the_same()
    {
        await using var server = await RedisServer.StartAsync();
        (await server.TellAsync("ACL", "SETUSER", "default", "-@dangerous")).ShouldBe("+OK");
        await using var redis = Replica.Connect(server.Url, "images");
        await Eventually.BeAsync(() => redis.IsUp, "up");
        using var image = SomeImages.Lease(1000, 1);
        (await Images(redis, TimeProvider.System).KeepAsync(SomeImages.Key(1), image, TimeSpan.FromMinutes(1))).ShouldBeTrue();
    }

    [Fact]
    public async Task Without_memory_of_its_own_it_shares_through_redis()
    {
        await using var server = await RedisServer.StartAsync();
        await using var hf = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await Replica.StartAsync(hf, server.Port, isPatient: true, "Cache:MemoryBytes=0");
        (await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, "pro")).Header("X-Cache").ShouldBe("MISS");
        await PauseAsync(1000);
        (await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, "pro")).Header("X-Cache").ShouldBe("HIT");
    }

    [Fact]
    public async Task A_claim_that_is_received_while_it_is_written_is_gone()
    {
        await using var server = await RedisServer.StartAsync();
        await using var wire = new FaultProxy(server.Port);
        await using var redis = Replica.Connect($"redis://127.0.0.1:{wire.Port}", "images");
        await Eventually.BeAsync(() => redis.IsUp, "up");
        await using var hf = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(hf);
        var kept = new KeptImages(gateway.Services.GetRequiredService<ImageCache>(), Images(redis, TimeProvider.System), gateway.Services.GetRequiredService<Purger>());
        using var image = SomeImages.Lease(1_200_000, 1);
        wire.Delay = TimeSpan.FromMilliseconds(20);
        // As Generator.Claim and Generator.Receive do.
        kept.Keep(SomeImages.Key(1), image, TimeSpan.FromHours(1));
        kept.Claim(new ImageClaim(SomeImages.Key(1), new Owner(IsUser: true, "anna")), image, TimeSpan.FromHours(1));
        await PauseAsync(100);
        kept.Remove(SomeImages.Key(1));
        await PauseAsync(1500);
        (await kept.FindAsync(SomeImages.Key(1))).ShouldBeNull();
    }

    /// <summary>Redis says nothing, so what it is written to does not have it.</summary>
    [Fact]
    public async Task A_claim_is_found_while_it_is_written_until_it_is_received()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = Replica.Connect(server.Url, "images");
        await Eventually.BeAsync(() => redis.IsUp, "up");
        await using var hf = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(hf);
        var purger = gateway.Services.GetRequiredService<Purger>();
        var kept = new KeptImages(gateway.Services.GetRequiredService<ImageCache>(), Images(redis, TimeProvider.System), purger);
        using var image = SomeImages.Lease(1_200_000, 1);
        var anna = new Owner(IsUser: true, "anna");
        server.Freeze();
        kept.Claim(new ImageClaim(SomeImages.Key(1), anna), image, TimeSpan.FromHours(1));
        kept.Claim(new ImageClaim(SomeImages.Key(2), anna), image, TimeSpan.FromHours(1));
        kept.Claim(new ImageClaim(SomeImages.Key(3), new Owner(IsUser: true, "ben")), image, TimeSpan.FromHours(1));

        (await kept.FindClaimAsync(SomeImages.Key(1))).ShouldNotBeNull().Lease.Dispose();
        kept.Remove(SomeImages.Key(1));
        (await kept.FindClaimAsync(SomeImages.Key(1))).ShouldBeNull();
        await purger.BeginAsync(PurgeMark.OfOwner(new Owner(IsUser: true, "ben")));
        (await kept.FindClaimAsync(SomeImages.Key(3))).ShouldBeNull("it was purged");

        server.Thaw();
        await Eventually.BeAsync(() => redis.IsUp, "up");
        await Eventually.BeAsync(async () => await kept.FindClaimAsync(SomeImages.Key(2)) is not null, "in Redis, in memory, or still on its way");
        (await kept.FindClaimAsync(SomeImages.Key(1))).ShouldBeNull();
    }

    private static Task PauseAsync(int ms) => Task.Delay(TimeSpan.FromMilliseconds(ms), TimeProvider.System, Token);

    private static SharedImages Images(RedisConnection redis, TimeProvider time) => new(redis, new RedisOptions(), new PurgeList(), new ImagesRoom(redis, new RedisOptions(), time, NullLogger<ImagesRoom>.Instance), NullLogger<SharedImages>.Instance);
}
