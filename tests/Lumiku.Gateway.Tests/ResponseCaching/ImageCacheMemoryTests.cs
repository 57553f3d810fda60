using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;
using static Lumiku.Gateway.Tests.Support.SomeImages;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>The memory for images follows its setting, and is taken only by what is kept.</summary>
public class ImageCacheMemoryTests
{
    private const int Capacity = 10_000_000;

    private readonly CurrentSettings _settings = new(Remembering(Capacity));
    private readonly ImageCache _cache;

    public ImageCacheMemoryTests() => _cache = new ImageCache(_settings, new ManualTime());

    [Fact]
    public void Less_memory_holds_from_the_next_image_that_is_kept()
    {
        _cache.Fill(from: 0, count: 80);
        _cache.Bytes.ShouldBeGreaterThan(Capacity / 2);

        _settings.Publish(Remembering(Capacity / 5));
        _cache.Keep(1000, bytes: 100_000).ShouldBeTrue();

        _cache.Bytes.ShouldBeLessThanOrEqualTo(Capacity / 5);
        _cache.Find(1000).ShouldBeTrue();
    }

    [Fact]
    public void More_memory_holds_from_the_next_image_that_is_kept()
    {
        _settings.Publish(Remembering(Capacity / 10));
        _cache.Fill(from: 0, count: 8);

        _settings.Publish(Remembering(Capacity));
        _cache.Fill(from: 100, count: 60);

        Enumerable.Range(0, 8).Count(_cache.Find).ShouldBeGreaterThanOrEqualTo(7);
        _cache.Count.ShouldBeGreaterThan(60);
    }

    [Fact]
    public void With_no_memory_any_more_nothing_is_found_and_the_next_image_empties_it()
    {
        _cache.Fill(from: 0, count: 20);

        _settings.Publish(Remembering(0));

        _cache.Find(1).ShouldBeFalse();
        _cache.Keep(1000, bytes: 1000).ShouldBeFalse();
        (_cache.Count, _cache.Bytes).ShouldBe((0, 0L));
    }

    [Fact]
    public void An_image_larger_than_the_memory_pushes_out_none()
    {
        _cache.Fill(from: 0, count: 40);

        _cache.Keep(1000, bytes: Capacity + 1).ShouldBeFalse();

        Enumerable.Range(0, 40).Count(_cache.Find).ShouldBe(40);
    }

    [Fact]
    public void An_image_that_lives_no_time_pushes_out_none()
    {
        _cache.Fill(from: 0, count: 1000);
        var before = (_cache.Count, _cache.Bytes);

        _cache.Keep(2000, bytes: 3_000_000, lifetime: TimeSpan.Zero).ShouldBeFalse();

        (_cache.Count, _cache.Bytes).ShouldBe(before);
    }

    [Fact]
    public async Task Its_memory_is_never_exceeded_while_many_keep_find_and_remove()
    {
        var most = new long[4];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 2_000; i++)
            {
                var key = random.Next(300);
                _cache.Keep(key, bytes: random.Next(1, 200_000));
                most[worker] = Math.Max(most[worker], _cache.Bytes);
                _cache.Find(random.Next(300));
                if (random.Next(20) == 0)
                {
                    _cache.Remove(Key(key));
                }
            }
        })));
        most.Max().ShouldBeInRange(Capacity / 2, Capacity);
    }
}
