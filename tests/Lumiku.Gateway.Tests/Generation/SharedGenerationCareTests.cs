using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>What is shared between replicas when something is damaged, old, lost or in the way.</summary>
[Collection(Alone.Name)]
public sealed class SharedGenerationCareTests : IAsyncLifetime
{
    private static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);

    private readonly ManualTime _upstreamTime = new();
    private readonly List<TestGateway> _replicas = [];
    private RedisServer _redis = null!;
    private FaultProxy _wire = null!;
    private HuggingFaceSimulator _huggingFace = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _wire = new FaultProxy(_redis.Port);
        _huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = _upstreamTime });
        _huggingFace.Behave("*", Misbehaviour.Delay(Rendering));
    }

    public async ValueTask DisposeAsync()
    {
        await _huggingFace.DisposeAsync();
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        await _wire.DisposeAsync();
        await _redis.DisposeAsync();
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
            _upstreamTime.Advance(Rendering);
            await leading;
            (await following).Header("X-Cache").ShouldBe("COALESCED");
        }

        await Pause(1500);
        var shared = _replicas[1].Services.GetRequiredService<SharedFlights>();
        shared.Followed.ShouldBe(0);
    }

    [Fact]
    public async Task A_manifest_with_a_flipped_bit_is_never_served_nor_a_500()
    {
        _huggingFace.BehaveWell();
        await StartAsync(2, true);
        (await AskAsync(0, "a")).ShouldBeAnImage();
        await Pause(1000);

        // 'o' of x-compute-time and 'p' of image/png: one bit each.
        (await _redis.TellAsync("EVAL", "for _, k in ipairs(redis.call('KEYS', 'lumiku:image:1:*}')) do local v = redis.call('GET', k) local at = string.find(v, 'image/png', 1, true) redis.call('SETRANGE', k, at + 5, 'q') end return #redis.call('KEYS', 'lumiku:image:1:*}')", "0")).ShouldBe(":1");
        var answer = await AskAsync(1, "b");
        answer.ShouldBeAnImage();
    }

    [Fact]
    public async Task A_manifest_with_another_flipped_bit_is_no_500()
    {
        _huggingFace.BehaveWell();
        await StartAsync(2, true);
        (await AskAsync(0, "a")).ShouldBeAnImage();
        await Pause(1000);

        (await _redis.TellAsync("EVAL", "for _, k in ipairs(redis.call('KEYS', 'lumiku:image:1:*}')) do local v = redis.call('GET', k) local at = string.find(v, 'x-compute', 1, true) redis.call('SETRANGE', k, at + 2, string.char(0x7f)) end return 1", "0")).ShouldBe(":1");
        var answer = await AskAsync(1, "b");
        answer.ShouldBeAnImage();
    }

    [Fact]
    public async Task Where_images_cannot_be_kept_the_followers_do_not_queue_up()
    {
        await StartAsync(3, false, "Redis:Images=redis://127.0.0.1:1");
        var asking = Enumerable.Range(0, 3).Select(i => AskAsync(i, $"user-{i}")).ToArray();
        await ShouldRenderAsync(1);
        await Pause(500);
        _upstreamTime.Advance(Rendering);
        await Eventually.BeAsync(() => _huggingFace.Received.Count > 1, "the next is made");
        await Pause(1500);
        var atOnce = _huggingFace.Received.Count;
        for (var i = 0; i < 5; i++)
        {
            await Pause(1000);
            _upstreamTime.Advance(Rendering);
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
        _upstreamTime.Advance(Rendering);
        await old;
        await Pause(800);

        // What this replica has in memory is old: another image.
        var cache = _replicas[1].Services.GetRequiredService<ImageCache>();
        using (var stale = SomeImages.Lease(5000, 1))
        {
            cache.Keep(FlightBench.KeyOf(FlightBench.Body, TestGateway.Sd3), stale, TimeSpan.FromDays(1)).ShouldBeTrue();
        }

        var leading = AskAsync(0, "a", cacheControl: "no-cache");
        await ShouldRenderAsync(1);
        var following = AskAsync(1, "b", cacheControl: "no-cache");
        await Pause(400);
        _upstreamTime.Advance(Rendering);
        var fresh = await leading;
        fresh.ShouldBeAnImage();
        var got = await following;
        got.Header("X-Cache").ShouldBe("COALESCED");
        got.Body.ShouldBe(fresh.Body);
    }

    [Fact]
    public async Task Who_has_an_image_and_asks_for_another_gets_another_while_the_first_is_being_written()
    {
        await using var imagesWire = new FaultProxy(_redis.Port);
        await using var hf = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { ImageBytes = 1_200_000 });
        string[] settings = [$"REDIS_URL=redis://127.0.0.1:{_redis.Port}", $"Redis:Images=redis://127.0.0.1:{imagesWire.Port}", "Cache:Unseeded=RetryOnly"];
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
        _upstreamTime.Advance(Rendering);
        await Pause(1000);
        _huggingFace.BehaveWell();
        (await AskAsync(1, "anna")).Header("X-Cache").ShouldBe("HIT");
        await Pause(300);
        (await AskAsync(0, "anna")).Header("X-Cache").ShouldBe("MISS", "she has it already, and asked for a new one");
    }

    [Fact]
    public async Task Garbage_under_a_flights_name_hurts_nobody()
    {
        _huggingFace.BehaveWell();
        await StartAsync(1, true, $"Models:Catalog:{TestGateway.Sd3}:WaitLimit=00:00:15");
        (await AskAsync(0, "a", cacheControl: "no-cache")).ShouldBeAnImage();
        (await _redis.TellAsync("EVAL", "for _, k in ipairs(redis.call('KEYS', 'lumiku:image:1:*}')) do redis.call('SET', 'lumiku:flight:1:' .. string.match(k, '{.*}'), 'garbage') end return 1", "0")).ShouldBe(":1");
        (await AskAsync(0, "a", cacheControl: "no-cache")).ShouldBeAnImage();
    }

    private static Task Pause(int ms) => Task.Delay(TimeSpan.FromMilliseconds(ms), TimeProvider.System, TestContext.Current.CancellationToken);

    private async Task StartAsync(int replicas, bool isPatient, params string[] settings)
    {
        for (var i = 0; i < replicas; i++)
        {
            if (settings.Any(setting => setting.StartsWith("Redis:Images", StringComparison.Ordinal)))
            {
                var gateway = await TestGateway.StartAsync(_huggingFace, [$"REDIS_URL=redis://127.0.0.1:{_wire.Port}", .. settings]);
                await Eventually.BeAsync(() => gateway.Services.GetRequiredService<Lumiku.Gateway.Redis.RedisState>().Connection.IsUp, "up");
                _replicas.Add(gateway);
                continue;
            }

            _replicas.Add(await Replica.StartAsync(_huggingFace, _wire.Port, isPatient, settings));
        }
    }

    private async Task<Answer> AskAsync(int replica, string user, string body = FlightBench.Body, string? cacheControl = null, CancellationToken leaving = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", user);
        if (cacheControl is not null)
        {
            request.Headers.Add("Cache-Control", cacheControl);
        }

        return await Answer.ReadAsync(await _replicas[replica].Client.SendAsync(request, leaving));
    }

    private Task ShouldRenderAsync(int pictures) => Eventually.BeAsync(() => _upstreamTime.Waiting == pictures, $"{pictures} pictures are being made; it was {_upstreamTime.Waiting}");
}
