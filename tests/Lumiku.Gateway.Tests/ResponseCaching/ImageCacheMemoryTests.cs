using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Extensions.Configuration;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>The memory for images follows its setting, and is taken only by what is kept.</summary>
public class ImageCacheMemoryTests
{
    private const int Capacity = 10_000_000;
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly CurrentSettings _settings = new(Settings(Capacity));
    private readonly ImageCache _cache;

    public ImageCacheMemoryTests() => _cache = new ImageCache(_settings, new ManualTime());

    [Fact]
    public void Less_memory_holds_from_the_next_image_that_is_kept()
    {
        Fill(from: 0, count: 80);
        _cache.Bytes.ShouldBeGreaterThan(Capacity / 2);

        _settings.Value = Settings(Capacity / 5);
        Keep(1000, bytes: 100_000, Day).ShouldBeTrue();

        _cache.Bytes.ShouldBeLessThanOrEqualTo(Capacity / 5);
        Find(1000).ShouldBeTrue();
    }

    [Fact]
    public void More_memory_holds_from_the_next_image_that_is_kept()
    {
        _settings.Value = Settings(Capacity / 10);
        Fill(from: 0, count: 8);

        _settings.Value = Settings(Capacity);
        Fill(from: 100, count: 60);

        Enumerable.Range(0, 8).Count(Find).ShouldBeGreaterThanOrEqualTo(7);
        _cache.Count.ShouldBeGreaterThan(60);
    }

    [Fact]
    public void With_no_memory_any_more_nothing_is_found_and_the_next_image_empties_it()
    {
        Fill(from: 0, count: 20);

        _settings.Value = Settings(0);

        Find(1).ShouldBeFalse();
        Keep(1000, bytes: 1000, Day).ShouldBeFalse();
        (_cache.Count, _cache.Bytes).ShouldBe((0, 0L));
    }

    [Fact]
    public void An_image_larger_than_the_memory_pushes_out_none()
    {
        Fill(from: 0, count: 40);

        Keep(1000, bytes: Capacity + 1, Day).ShouldBeFalse();

        Enumerable.Range(0, 40).Count(Find).ShouldBe(40);
    }

    [Fact]
    public void An_image_that_lives_no_time_pushes_out_none()
    {
        Fill(from: 0, count: 1000);
        var before = (_cache.Count, _cache.Bytes);

        Keep(2000, bytes: 3_000_000, TimeSpan.Zero).ShouldBeFalse();

        (_cache.Count, _cache.Bytes).ShouldBe(before);
    }

    [Fact]
    public async Task Its_memory_is_never_exceeded_while_many_keep_find_and_remove()
    {
        var most = 0L;
        var keeping = Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 2_000; i++)
            {
                var key = random.Next(300);
                Keep(key, bytes: random.Next(1, 200_000), Day);
                Find(random.Next(300));
                if (random.Next(20) == 0)
                {
                    _cache.Remove(Key(key));
                }
            }
        })));
        while (!keeping.IsCompleted)
        {
            most = Math.Max(most, _cache.Bytes);
            await Task.Yield();
        }

        await keeping;
        most.ShouldBeInRange(Capacity / 2, Capacity);
    }

    private static GatewaySettings Settings(long memoryBytes) => GatewaySettings.Read(
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("Cache:MemoryBytes", (string?)$"{memoryBytes}")]).Build(), out _);

    private void Fill(int from, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Keep(from + i, bytes: 100_000, Day);
        }
    }

    private bool Keep(int key, int bytes, TimeSpan lifetime)
    {
        var buffer = new ImageBuffer(bytes);
        buffer.Append(new byte[bytes], bytes);
        using var image = new ImageLease(new GeneratedImage("a/b", buffer.Content, "image/png", 1, 1, "\"e\"", [], buffer.HeldBytes), buffer);
        return _cache.Keep(Key(key), image, lifetime);
    }

    private bool Find(int key)
    {
        var isFound = _cache.TryFind(Key(key), out var found);
        found?.Lease.Dispose();
        return isFound;
    }

    private static CacheKey Key(int number)
    {
        var model = new Model("a/b", new ModelOptions());
        return CacheKey.Of(new UpstreamRequest(new ModelChoice(model, model), $"/models/a/{number}", "application/json", default), "image/png", owner: null);
    }
}
