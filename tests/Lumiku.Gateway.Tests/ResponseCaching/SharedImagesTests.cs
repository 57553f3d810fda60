using System.Buffers;
using System.Globalization;
using Lumiku.Gateway.RateLimiting;
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

/// <summary>Images in Redis are the same bytes for every replica, or they are not there.</summary>
public sealed class SharedImagesTests(RedisServer redis) : IAsyncLifetime
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly string _prefix = $"t{Guid.NewGuid():N}"[..20];
    private RedisConnection _connection = null!;
    private SharedImages _images = null!;

    public async ValueTask InitializeAsync()
    {
        _connection = Replica.Connect(redis.Url, "images");
        _images = Images(_connection);
        await Eventually.BeAsync(() => _connection.IsUp, "it is connected");
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1_200_000)]
    public async Task An_image_comes_back_byte_for_byte_with_all_that_is_known_of_it(int bytes)
    {
        using var image = SomeImages.Lease(bytes, seed: bytes);
        (await _images.KeepAsync(SomeImages.Key(bytes), image, Day)).ShouldBeTrue();

        var found = (await _images.FindAsync(SomeImages.Key(bytes))).ShouldNotBeNull();

        using var lease = found.Lease;
        lease.Image.Content.ToArray().ShouldBe(image.Image.Content.ToArray());
        (lease.Image.MediaType, lease.Image.ETag, lease.Image.Model, lease.Image.Width, lease.Image.Height).ShouldBe((image.Image.MediaType, image.Image.ETag, image.Image.Model, image.Image.Width, image.Image.Height));
        lease.Image.UpstreamHeaders.ShouldBe(image.Image.UpstreamHeaders);
        found.Age.ShouldBeLessThan(TimeSpan.FromMinutes(1));
        found.TimeToLive.ShouldBeInRange(Day - TimeSpan.FromMinutes(1), Day);
        (await _images.FindAsync(SomeImages.Key(bytes + 1))).ShouldBeNull();
    }

    [Fact]
    public async Task What_is_removed_is_not_found()
    {
        using var image = SomeImages.Lease(100_000, seed: 1);
        await _images.KeepAsync(SomeImages.Key(1), image, Day);

        await _images.RemoveAsync(SomeImages.Key(1));

        (await _images.FindAsync(SomeImages.Key(1))).ShouldBeNull();
        (await CountKeysAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task One_that_is_written_anew_leaves_nothing_of_the_old_one()
    {
        using var image = SomeImages.Lease(200_000, seed: 1);
        for (var i = 0; i < 3; i++)
        {
            await _images.KeepAsync(SomeImages.Key(1), image, Day);
        }

        (await CountKeysAsync()).ShouldBe(5, "four pieces and what they add up to");
    }

    /// <summary>Each time one piece, or the manifest, is hurt in one way.</summary>
    [Fact]
    public async Task A_damaged_image_is_never_served_and_is_deleted()
    {
        string[] damages =
        [
            "redis.call('SETRANGE', key, math.random(0, redis.call('STRLEN', key) - 1), string.char(math.random(0, 255)))", // may be the same byte: then it is whole
            "redis.call('SET', key, string.sub(redis.call('GET', key), 1, math.random(0, redis.call('STRLEN', key) - 1)))",
            "redis.call('APPEND', key, 'x')",
            "redis.call('DEL', key)",
            "redis.call('SET', key, 'garbage')",
            "redis.call('DEL', key) redis.call('LPUSH', key, 'garbage')",
            "local other = keys[math.random(1, #keys)] local a, b = redis.call('GET', key), redis.call('GET', other) redis.call('SET', key, b) redis.call('SET', other, a)",
        ];
        var random = new Random(1);
        var (served, wrong) = (0, 0);
        var rounds = LongRun.IsOn ? 10_000 : 700;
        for (var round = 0; round < rounds; round++)
        {
            using var image = SomeImages.Lease(random.Next(1, 300_000), seed: round);
            var key = SomeImages.Key(10_000 + round);
            await _images.KeepAsync(key, image, Day);
            var script = $"math.randomseed({round}) local keys = redis.call('KEYS', '{_prefix}:image:1:{{{key}}}*') local key = keys[math.random(1, #keys)] {damages[round % damages.Length]} return {{ 1 }}";
            await _connection.EvaluateAsync(script, "k");

            if (await _images.FindAsync(key) is { } found)
            {
                served++;
                using var lease = found.Lease;
                wrong += lease.Image.Content.ToArray().AsSpan().SequenceEqual(image.Image.Content.ToArray()) && lease.Image.MediaType == image.Image.MediaType ? 0 : 1;
            }
            else
            {
                (await _images.FindAsync(key)).ShouldBeNull();
            }
        }

        Figures.Add("redis", $"images damaged in Redis in seven ways: {wrong} of {rounds:N0} served wrongly; {served} were whole all the same");
        wrong.ShouldBe(0);
        served.ShouldBeLessThan(rounds / 4);
    }

    [Fact]
    public async Task Two_who_write_the_same_image_at_once_never_mix()
    {
        var key = SomeImages.Key(7);
        using var one = SomeImages.Lease(500_000, seed: 1);
        using var other = SomeImages.Lease(500_000, seed: 2);

        for (var round = 0; round < 20; round++)
        {
            await Task.WhenAll(_images.KeepAsync(key, one, Day), _images.KeepAsync(key, other, Day), ReadAsync(), ReadAsync());
            await ReadAsync();
        }

        async Task ReadAsync()
        {
            if (await _images.FindAsync(key) is { } found)
            {
                using var lease = found.Lease;
                lease.Image.ETag.ShouldBeOneOf(one.Image.ETag, other.Image.ETag);
                ImageETag.Of(lease.Image.Content).ShouldBe(lease.Image.ETag);
            }
        }
    }

    [Fact]
    public async Task Every_key_expires_and_none_tells_whose_it_is()
    {
        using var image = SomeImages.Lease(200_000, seed: 1);
        await _images.KeepAsync(SomeImages.Key(3), image, Day);

        var reply = await _connection.EvaluateAsync(
            $"local endless = 0 local keys = redis.call('KEYS', '{_prefix}:image*') for _, key in ipairs(keys) do if redis.call('PTTL', key) < 0 then endless = endless + 1 end end return {{ #keys, endless }}", "k");

        (reply.Number(0), reply.Number(1)).ShouldBe((5, 0));
    }

    [Fact]
    public async Task A_server_that_is_nearly_full_is_spared()
    {
        await using var small = await RedisServer.StartAsync("--maxmemory", "8mb", "--maxmemory-policy", "noeviction");
        await using var connection = Replica.Connect(small.Url, "images");
        await Eventually.BeAsync(() => connection.IsUp, "it is connected");
        using var image = SomeImages.Lease(1_000_000, seed: 1);
        (await Images(connection).KeepAsync(SomeImages.Key(1), image, Day)).ShouldBeTrue();

        await small.TellAsync("EVAL", "redis.call('SET', 'ballast', string.rep('x', 5000000)) return 1", "0");

        (await Images(connection).KeepAsync(SomeImages.Key(2), image, Day)).ShouldBeFalse();
        (await Images(connection).FindAsync(SomeImages.Key(1))).ShouldNotBeNull().Lease.Dispose();
    }

    [Fact]
    public async Task An_image_that_one_replica_made_is_a_hit_at_another_and_after_a_restart()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        string[] settings = [$"REDIS_URL={redis.Url}", $"Redis:KeyPrefix={_prefix}"];
        await using var first = await StartAsync(huggingFace, settings);
        await using var second = await StartAsync(huggingFace, settings);
        var made = await first.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro");
        FlightBench.ShouldBeBy(made, "MISS", units: 1);

        Answer hit = null!;
        await Eventually.BeAsync(async () => (hit = await second.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro")).Header("X-Cache") == "HIT" || huggingFace.Received.Count > 1, "it is found");

        FlightBench.ShouldBeBy(hit, "HIT", units: 0);
        hit.Body.ShouldBe(made.Body);
        hit.Header("ETag").ShouldBe(made.Header("ETag"));
        hit.Header("Cache-Status").ShouldStartWith("lumiku; hit; ttl=");
        huggingFace.Received.Count.ShouldBe(1);
        await first.DisposeAsync();
        await second.DisposeAsync();
        await using var third = await StartAsync(huggingFace, settings);
        var many = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => third.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro")));
        Array.ForEach(many, answer => FlightBench.ShouldBeBy(answer, "HIT", units: 0));
        Array.ForEach(many, answer => answer.Body.ShouldBe(made.Body));
    }

    [Fact]
    public async Task An_image_from_redis_is_as_old_as_it_is_there_in_memory_too()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        string[] settings = [$"REDIS_URL={redis.Url}", $"Redis:KeyPrefix={_prefix}", $"Models:Catalog:{TestGateway.Dev}:CacheFor=1.00:00:00"];
        await using var first = await StartAsync(huggingFace, settings);
        await using var second = await StartAsync(huggingFace, settings);
        FlightBench.ShouldBeBy(await first.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro"), "MISS", units: 1);
        await Eventually.BeAsync(async () => await CountKeysAsync("*}") == 1, "it is in Redis");
        await _connection.EvaluateAsync($"redis.call('PEXPIRE', redis.call('KEYS', '{_prefix}:image:1:*}}')[1], 3600000) return {{ 1 }}", "k");

        foreach (var place in new[] { "Redis", "memory" })
        {
            var hit = await second.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro");
            FlightBench.ShouldBeBy(hit, "HIT", units: 0);
            int.Parse(hit.Header("Age")!, CultureInfo.InvariantCulture).ShouldBeInRange(23 * 3_600, 24 * 3_600, place);
        }
    }

    [Fact]
    public async Task A_caller_who_left_finds_its_image_at_another_replica()
    {
        await using var bench = await FlightBench.StartAsync($"REDIS_URL={redis.Url}", $"Redis:KeyPrefix={_prefix}", "Cache:Unseeded=RetryOnly");
        await Eventually.BeAsync(() => bench.Gateway.Services.GetRequiredService<RedisImages>().Connection.IsUp, "it is connected");
        await LeaveAsync(bench);
        bench.UpstreamTime.Advance(TimeSpan.FromSeconds(1));
        await bench.ShouldEndEmptyAsync();

        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var other = await StartAsync(huggingFace, [$"REDIS_URL={redis.Url}", $"Redis:KeyPrefix={_prefix}", "Cache:Unseeded=RetryOnly"]);
        Answer? again = null;
        await Eventually.BeAsync(
            async () =>
            {
                again ??= await other.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro", request => { request.Headers.Remove("X-Lumiku-User"); request.Headers.Add("X-Lumiku-User", "anna"); });
                return true;
            },
            "it is asked for");
        FlightBench.ShouldBeBy(again!, "HIT", units: 0);
        huggingFace.Received.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_caller_who_left_and_asks_again_at_once_finds_its_image_before_redis_has_it()
    {
        await using var wire = new FaultProxy(redis.Port);
        await using var bench = await FlightBench.StartAsync($"REDIS_URL={redis.Url}", $"Redis:Images=redis://127.0.0.1:{wire.Port}", $"Redis:KeyPrefix={_prefix}", "Redis:CallTimeout=00:00:01", "Cache:Unseeded=RetryOnly");
        await Eventually.BeAsync(() => Replica.IsUp(bench.Gateway), "it is connected");
        await LeaveAsync(bench);
        wire.IsSilent = true;
        bench.UpstreamTime.Advance(TimeSpan.FromSeconds(1));
        await Eventually.BeAsync(() => bench.FlightCount == 0, "it has landed");
        bench.HuggingFace.BehaveWell();

        FlightBench.ShouldBeBy(await bench.AskAsync(user: "anna"), "HIT", units: 0);
        bench.Calls.ShouldBe(1);
        wire.IsSilent = false;
    }

    [Fact]
    public async Task Where_neither_memory_nor_redis_takes_an_image_nobody_is_told_that_it_is_stored()
    {
        await using var small = await RedisServer.StartAsync("--maxmemory", "8mb", "--maxmemory-policy", "noeviction");
        await using var bench = await FlightBench.StartAsync($"REDIS_URL={redis.Url}", $"Redis:Images={small.Url}", $"Redis:KeyPrefix={_prefix}", Replica.Patience, "Cache:MemoryBytes=0");
        await Eventually.BeAsync(() => Replica.IsUp(bench.Gateway), "it is connected");
        await small.TellAsync("EVAL", "redis.call('SET', 'ballast', string.rep('x', 6000000)) return 1", "0");

        // Nobody has looked before the first.
        await ShouldComeToBeAsync("lumiku; fwd=miss");
        await small.TellAsync("DEL", "ballast");
        await ShouldComeToBeAsync("lumiku; fwd=miss; stored");

        Task ShouldComeToBeAsync(string status) => Eventually.BeAsync(
            async () =>
            {
                bench.Time.Advance(TimeSpan.FromSeconds(5));
                return (await bench.AskAsync($$"""{"inputs":"{{Guid.NewGuid()}}"}""")).Header("Cache-Status") == status;
            },
            status);
    }

    [Fact]
    public async Task Who_left_finds_a_copy_where_the_image_could_not_be_kept_for_everybody_after_all()
    {
        await using var bench = await FlightBench.StartAsync($"REDIS_URL={redis.Url}", $"Redis:KeyPrefix={_prefix}", Replica.Patience, "Cache:MemoryBytes=0");
        await Eventually.BeAsync(() => Replica.IsUp(bench.Gateway), "it is connected");
        await LeaveAsync(bench);
        var manifest = $"{_prefix}:image:1:{{{FlightBench.KeyOf(FlightBench.Body, TestGateway.Dev)}}}";
        await _connection.EvaluateAsync("redis.call('LPUSH', KEYS[1], 'in the way') return { 1 }", manifest);
        bench.UpstreamTime.Advance(TimeSpan.FromSeconds(1));
        await bench.ShouldEndEmptyAsync();
        bench.HuggingFace.BehaveWell();

        FlightBench.ShouldBeBy(await bench.AskAsync(user: "anna"), "HIT", units: 0);
        bench.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task An_image_that_is_made_anew_takes_the_old_ones_place_in_every_memory()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        string[] settings = [$"REDIS_URL={redis.Url}", $"Redis:KeyPrefix={_prefix}", Replica.Patience];
        await using var first = await StartAsync(huggingFace, settings);
        await using var second = await StartAsync(huggingFace, settings);
        var old = await first.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro");
        await Eventually.BeAsync(async () => await CountKeysAsync("*}") == 1, "it is in Redis");
        (await second.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro")).Header("ETag").ShouldBe(old.Header("ETag"));

        huggingFace.BehaveNext(Misbehaviour.Parse("ignore-accept-webp"));
        var anew = await first.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro", request => request.Headers.Add("Cache-Control", "no-cache"));
        anew.ShouldBeAnImage("image/webp");
        anew.Header("ETag").ShouldNotBe(old.Header("ETag"));

        await Eventually.BeAsync(
            async () => (await second.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro")).Header("ETag") == anew.Header("ETag"), "the other replica has the new one");
        first.Services.GetRequiredService<ImageCache>().Count.ShouldBe(1, "the one that made it has it still");
        (await first.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro")).Header("ETag").ShouldBe(anew.Header("ETag"));
        huggingFace.Received.Count.ShouldBe(2);
    }

    /// <summary>Anna asks for a picture that takes a second by the simulator's clock, and leaves.</summary>
    private static async Task LeaveAsync(FlightBench bench)
    {
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        using var leaving = new CancellationTokenSource();
        var leaver = bench.AskAsync(user: "anna", leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(leaver);
        await Eventually.BeAsync(() => bench.Gateway.Services.GetRequiredService<HeldLeases>().Count == 0, "it has left");
    }

    private async Task<long> CountKeysAsync(string end = "*") => (await _connection.EvaluateAsync($"return {{ #redis.call('KEYS', '{_prefix}:image:1:{end}') }}", "k")).Number(0);

    private static async Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, string[] settings)
    {
        var gateway = await TestGateway.StartAsync(huggingFace, settings);
        await Eventually.BeAsync(() => gateway.Services.GetRequiredService<RedisImages>().Connection.IsUp && gateway.Services.GetRequiredService<RedisState>().Connection.IsUp, "it is connected");
        return gateway;
    }

    private SharedImages Images(RedisConnection connection) => new(connection, new RedisOptions { KeyPrefix = _prefix }, new PurgeList(), new ImagesRoom(connection, new RedisOptions { KeyPrefix = _prefix }, TimeProvider.System, NullLogger<ImagesRoom>.Instance), NullLogger<SharedImages>.Instance);
}
