using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Microsoft.Extensions.Configuration;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Images by number, for a cache without a gateway.</summary>
internal static class SomeImages
{
    public static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public static GatewaySettings Remembering(long memoryBytes) => GatewaySettings.Read(
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("Cache:MemoryBytes", (string?)$"{memoryBytes}")]).Build(), out _);

    /// <param name="lifetime">Null: a day.</param>
    /// <returns>Whether it was kept.</returns>
    public static bool Keep(this ImageCache cache, int number, int bytes, byte fill = 0, TimeSpan? lifetime = null)
    {
        using var image = Make(bytes, fill);
        return cache.Keep(Key(number), image, lifetime ?? Day);
    }

    /// <summary>Keeps so many of 100 kB.</summary>
    public static void Fill(this ImageCache cache, int from, int count)
    {
        for (var i = 0; i < count; i++)
        {
            cache.Keep(from + i, bytes: 100_000);
        }
    }

    public static bool Find(this ImageCache cache, int number)
    {
        var isFound = cache.TryFind(Key(number), out var found);
        found?.Lease.Dispose();
        return isFound;
    }

    public static ImageLease Make(int bytes, byte fill = 0)
    {
        var buffer = new ImageBuffer(bytes);
        var content = new byte[bytes];
        content.AsSpan().Fill(fill);
        buffer.Append(content, bytes);
        return new ImageLease(new GeneratedImage("a/b", buffer.Content, "image/png", 1, 1, "\"e\"", [], buffer.HeldBytes), buffer);
    }

    /// <summary>Random bytes with a true checksum, and all that is known of an image.</summary>
    public static ImageLease Lease(int bytes, int seed)
    {
        var buffer = new ImageBuffer(bytes);
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        buffer.Append(content, bytes);
        return new ImageLease(
            new GeneratedImage("a/b", buffer.Content, "image/webp", 640, 480, ImageETag.Of(buffer.Content), [KeyValuePair.Create("x-compute-time", "1.5")], buffer.HeldBytes), buffer);
    }

    public static CacheKey Key(int number)
    {
        var model = new Model("a/b", new ModelOptions());
        return CacheKey.Of(new UpstreamRequest(new ModelChoice(model, model), $"/models/a/{number}", "application/json", default), "image/png", owner: null);
    }
}
