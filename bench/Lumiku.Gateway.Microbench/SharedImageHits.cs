using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using BenchmarkDotNet.Attributes;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ResponseCaching.Purging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lumiku.Gateway.Microbench;

/// <summary>An image that is in Redis and not in memory: read, put together, checked. Needs a <c>redis-server</c>.</summary>
[MemoryDiagnoser]
public class SharedImageHits : IDisposable
{
    private Process _server = null!;
    private RedisConnection _redis = null!;
    private SharedImages _images = null!;
    private CacheKey _key;

    [Params(1_024, 1_200_000)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var port = FreePort();
        _server = Process.Start(new ProcessStartInfo("redis-server", ["--port", $"{port}", "--save", "", "--appendonly", "no"]) { RedirectStandardOutput = true })!;
        _redis = new RedisConnection(RedisUrl.Parse($"redis://127.0.0.1:{port}", out _)!, "images", new RedisOptions { KeyPrefix = "bench" }, TimeProvider.System, NullLogger<RedisConnection>.Instance);
        while (!_redis.IsUp)
        {
            Thread.Yield();
        }

        _images = new SharedImages(_redis, new RedisOptions { KeyPrefix = "bench" }, new PurgeList(), new ImagesRoom(_redis, new RedisOptions(), TimeProvider.System, NullLogger<ImagesRoom>.Instance), NullLogger<SharedImages>.Instance);
        var model = new Model("a/b", new ModelOptions());
        _key = CacheKey.Of(new UpstreamRequest(new ModelChoice(model, model), "/models/a/b", "application/json", default), "image/png", owner: null);
        var buffer = new ImageBuffer(Bytes);
        var content = new byte[Bytes];
        new Random(1).NextBytes(content);
        buffer.Append(content, Bytes);
        using var image = new ImageLease(new GeneratedImage("a/b", buffer.Content, "image/png", 1024, 1024, ImageETag.Of(buffer.Content), [], buffer.HeldBytes), buffer);
        if (!_images.KeepAsync(_key, image, TimeSpan.FromHours(1)).GetAwaiter().GetResult())
        {
            throw new InvalidOperationException("It was not kept.");
        }
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _redis.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _server.Kill();
        _server.WaitForExit();
        _server.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public async Task<int> Find()
    {
        var found = await _images.FindAsync(_key) ?? throw new InvalidOperationException("It was not found.");
        using var lease = found.Lease;
        return lease.Image.Width;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
