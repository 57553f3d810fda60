using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Extensions.Configuration;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>The memory for images is bounded, and what is wanted stays in it.</summary>
public class ImageCacheTests
{
    private const int Capacity = 10_000_000;
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly ManualTime _time = new();

    [Fact]
    public void It_never_takes_more_than_its_memory()
    {
        var cache = Cache();
        var random = new Random(1);
        for (var i = 0; i < 3_000; i++)
        {
            Keep(cache, random.Next(400), bytes: random.Next(1, 300_000));
            cache.TryFind(Key(random.Next(400)), out var found);
            found?.Lease.Dispose();
            cache.Bytes.ShouldBeLessThanOrEqualTo(Capacity);
        }

        cache.Count.ShouldBeGreaterThan(30);
    }

    [Fact]
    public void Images_that_nobody_wants_twice_push_out_no_popular_ones()
    {
        var cache = Cache();
        for (var popular = 0; popular < 20; popular++)
        {
            Keep(cache, popular, bytes: 100_000);
            Find(cache, popular).ShouldBeTrue();
        }

        for (var once = 1000; once < 3000; once++)
        {
            Keep(cache, once, bytes: 100_000);
            Find(cache, once % 20);
        }

        Enumerable.Range(0, 20).Count(popular => Find(cache, popular)).ShouldBe(20);
    }

    [Fact]
    public void One_that_fell_out_and_comes_back_is_believed_to_be_wanted()
    {
        var cache = Cache();
        Keep(cache, 1, bytes: 100_000);
        Stream(cache, from: 1000, 120);
        Find(cache, 1).ShouldBeFalse();

        Keep(cache, 1, bytes: 100_000);
        Stream(cache, from: 2000, 120);

        Find(cache, 1).ShouldBeTrue();
    }

    [Fact]
    public void An_expired_image_is_not_found_and_gives_its_memory_back()
    {
        var cache = Cache();
        Keep(cache, 1, bytes: 100_000);

        _time.Advance(Day);

        Find(cache, 1).ShouldBeFalse();
        cache.Bytes.ShouldBe(0);
        cache.Count.ShouldBe(0);
    }

    [Fact]
    public void A_newer_image_takes_the_place_of_an_older_one()
    {
        var cache = Cache();
        Keep(cache, 1, bytes: 500_000);
        var one = cache.Bytes;

        Keep(cache, 1, bytes: 500_000);

        cache.Bytes.ShouldBe(one);
        cache.Remove(Key(1));
        cache.Bytes.ShouldBe(0);
    }

    [Theory]
    [InlineData(Capacity + 1, 1)]
    [InlineData(1000, 0)]
    public void One_that_does_not_fit_or_lives_no_time_is_not_kept(int bytes, int days)
    {
        var cache = Cache();
        using var image = Image(bytes);

        cache.Keep(Key(1), image, TimeSpan.FromDays(days)).ShouldBeFalse();

        cache.Count.ShouldBe(0);
        cache.Bytes.ShouldBe(0);
    }

    [Theory]
    [InlineData(Capacity + 1, 1)]
    [InlineData(Capacity / 2, 0)] // As of a model whose images are not kept.
    public void One_that_is_not_kept_pushes_nobody_out(int bytes, int days)
    {
        var cache = Cache();
        Stream(cache, from: 0, 120);
        var (count, held) = (cache.Count, cache.Bytes);
        using var image = Image(bytes);

        cache.Keep(Key(9_999), image, TimeSpan.FromDays(days)).ShouldBeFalse();

        (cache.Count, cache.Bytes).ShouldBe((count, held));
    }

    [Fact]
    public void An_image_that_is_pushed_out_stays_whole_for_who_reads_it()
    {
        var cache = Cache();
        Keep(cache, 1, bytes: 100_000, fill: 7);
        cache.TryFind(Key(1), out var reading).ShouldBeTrue();

        cache.Remove(Key(1));
        Stream(cache, from: 1000, 300);

        var bytes = System.Buffers.BuffersExtensions.ToArray(reading.Lease.Image.Content);
        bytes.Length.ShouldBe(100_000);
        bytes.ShouldAllBe(value => value == 7);
        reading.Lease.Dispose();
    }

    [Fact]
    public async Task Many_at_once_leave_it_in_order()
    {
        var cache = Cache();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(worker => Task.Run(() =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 4_000; i++)
            {
                var key = random.Next(200);
                switch (random.Next(8))
                {
                    case 0:
                        cache.Remove(Key(key));
                        break;
                    case < 4:
                        Keep(cache, key, bytes: random.Next(1, 200_000), fill: (byte)key);
                        break;
                    case var _ when cache.TryFind(Key(key), out var found):
                        found.Lease.Image.Content.FirstSpan.IndexOfAnyExcept((byte)key).ShouldBe(-1);
                        found.Lease.Dispose();
                        break;
                }
            }
        })));

        cache.Bytes.ShouldBeInRange(1, Capacity);
        foreach (var key in Enumerable.Range(0, 200))
        {
            cache.Remove(Key(key));
        }

        cache.Bytes.ShouldBe(0);
        cache.Count.ShouldBe(0);
    }

    private ImageCache Cache()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("Cache:MemoryBytes", (string?)$"{Capacity}")]).Build();
        return new ImageCache(new CurrentSettings(GatewaySettings.Read(configuration, out _)), _time);
    }

    private static void Stream(ImageCache cache, int from, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Keep(cache, from + i, bytes: 100_000);
        }
    }

    private static void Keep(ImageCache cache, int key, int bytes, byte fill = 0)
    {
        using var image = Image(bytes, fill);
        cache.Keep(Key(key), image, Day);
    }

    private static bool Find(ImageCache cache, int key)
    {
        var isFound = cache.TryFind(Key(key), out var found);
        found?.Lease.Dispose();
        return isFound;
    }

    private static ImageLease Image(int bytes, byte fill = 0)
    {
        var buffer = new ImageBuffer(bytes);
        var content = new byte[bytes];
        content.AsSpan().Fill(fill);
        buffer.Append(content, bytes);
        return new ImageLease(new GeneratedImage("a/b", buffer.Content, "image/png", 1, 1, "\"e\"", [], buffer.HeldBytes), buffer);
    }

    private static CacheKey Key(int number)
    {
        var model = new Model("a/b", new ModelOptions());
        return CacheKey.Of(new UpstreamRequest(new ModelChoice(model, model), $"/models/a/{number}", "application/json", default), "image/png", owner: null);
    }
}
