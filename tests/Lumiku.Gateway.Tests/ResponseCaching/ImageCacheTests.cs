using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;
using static Lumiku.Gateway.Tests.Support.SomeImages;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>The memory for images is bounded, and what is wanted stays in it.</summary>
public class ImageCacheTests
{
    private const int Capacity = 10_000_000;

    private readonly ManualTime _time = new();

    [Fact]
    public void It_never_takes_more_than_its_memory()
    {
        var cache = Cache();
        var random = new Random(1);
        for (var i = 0; i < 3_000; i++)
        {
            cache.Keep(random.Next(400), bytes: random.Next(1, 300_000));
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
            cache.Keep(popular, bytes: 100_000);
            cache.Find(popular).ShouldBeTrue();
        }

        for (var once = 1000; once < 3000; once++)
        {
            cache.Keep(once, bytes: 100_000);
            cache.Find(once % 20);
        }

        Enumerable.Range(0, 20).Count(popular => cache.Find(popular)).ShouldBe(20);
    }

    [Fact]
    public void One_that_fell_out_and_comes_back_is_believed_to_be_wanted()
    {
        var cache = Cache();
        cache.Keep(1, bytes: 100_000);
        cache.Fill(from: 1000, count: 120);
        cache.Find(1).ShouldBeFalse();

        cache.Keep(1, bytes: 100_000);
        cache.Fill(from: 2000, count: 120);

        cache.Find(1).ShouldBeTrue();
    }

    [Fact]
    public void An_expired_image_is_not_found_and_gives_its_memory_back()
    {
        var cache = Cache();
        cache.Keep(1, bytes: 100_000);

        _time.Advance(Day);

        cache.Find(1).ShouldBeFalse();
        cache.Bytes.ShouldBe(0);
        cache.Count.ShouldBe(0);
    }

    [Fact]
    public void A_newer_image_takes_the_place_of_an_older_one()
    {
        var cache = Cache();
        cache.Keep(1, bytes: 500_000);
        var one = cache.Bytes;

        cache.Keep(1, bytes: 500_000);

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
        using var image = Make(bytes);

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
        cache.Fill(from: 0, count: 120);
        var (count, held) = (cache.Count, cache.Bytes);
        using var image = Make(bytes);

        cache.Keep(Key(9_999), image, TimeSpan.FromDays(days)).ShouldBeFalse();

        (cache.Count, cache.Bytes).ShouldBe((count, held));
    }

    [Fact]
    public void An_image_that_is_pushed_out_stays_whole_for_who_reads_it()
    {
        var cache = Cache();
        cache.Keep(1, bytes: 100_000, fill: 7);
        cache.TryFind(Key(1), out var reading).ShouldBeTrue();

        cache.Remove(Key(1));
        cache.Fill(from: 1000, count: 300);

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
                        cache.Keep(key, bytes: random.Next(1, 200_000), fill: (byte)key);
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

    private ImageCache Cache() => new(new CurrentSettings(Remembering(Capacity)), _time);
}
