using System.Collections;
using System.Reflection;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>One slow reader: it is noticed, let go, and holds nothing afterwards.</summary>
public class SlowReaderTests
{
    private const string Body = """{"inputs":"a heron"}""";
    private const string Name = "slow-reader";

    private static readonly string Request =
        $"POST /models/{TestGateway.Sd3} HTTP/1.1\r\nHost: gateway\r\nX-Request-Id: {Name}\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}";

    [Fact]
    public async Task A_reader_who_takes_nothing_is_let_go_and_its_lease_ends()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { ImageBytes = 1_200_000 });
        await using var gateway = await TestGateway.StartWithAsync(
            huggingFace,
            services => services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 1_000_000, gracePeriod: TimeSpan.FromSeconds(2))),
            Explained.WithOperator);
        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBeAnImage();
        var lease = KeptLease(gateway);
        HoldersOf(lease).ShouldBe(1, "the cache");

        using var reader = await RawClient.ConnectAsync(gateway.Client.BaseAddress!, receiveBuffer: 4096);
        await reader.SendAsync(Request);

        await Eventually.BeAsync(() => HoldersOf(lease) == 2, "it is being read");
        await Eventually.BeAsync(() => reader.IsReset, "the reader is let go");
        await Eventually.BeAsync(() => HoldersOf(lease) == 1, "the reader's lease has ended");
        (await gateway.StoryAsync(Name)).GetProperty("outcome").GetString().ShouldBe("caller gone");
        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBeAnImage();
    }

    [Fact]
    public async Task A_reader_above_the_floor_gets_its_whole_image()
    {
        Assert.SkipUnless(LongRun.IsOn, LongRun.Reason);
        await using var huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { ImageBytes = 600_000 });
        await using var gateway = await TestGateway.StartAsync(huggingFace);
        using var reader = await RawClient.ConnectAsync(gateway.Client.BaseAddress!, receiveBuffer: 16 * 1024);
        await reader.SendAsync(Request);

        var buffer = new byte[20 * 1024];
        var all = 0;
        while (all < 600_000 && await reader.ReadAsync(buffer, TestContext.Current.CancellationToken) is var read and > 0)
        {
            all += read;
            await Task.Delay(TimeSpan.FromSeconds(read / (20 * 1024.0)), TimeProvider.System);
        }

        all.ShouldBeGreaterThanOrEqualTo(600_000);
    }

    [Fact]
    public async Task A_reader_who_is_deaf_when_all_has_been_written_is_let_go_by_the_kernel()
    {
        Assert.SkipUnless(LongRun.IsOn, LongRun.Reason);
        await using var huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { ImageBytes = 100_000 });
        await using var gateway = await TestGateway.StartAsync(huggingFace, Explained.WithOperator);
        using var reader = await RawClient.ConnectAsync(gateway.Client.BaseAddress!, receiveBuffer: 4096);
        await reader.SendAsync(Request);
        (await gateway.StoryAsync(Name)).GetProperty("outcome").GetString().ShouldBe("ok", "the server has written all of it");

        // The kernel says nothing to a peer that it gives up; whoever speaks to it then is told. Kestrel alone would wait for 130 s, and go on to wait.
        await Task.Delay(TimeSpan.FromSeconds(50), TimeProvider.System);
        await reader.SendAsync("G");

        await Eventually.BeAsync(() => reader.IsReset, "the connection is not there any more");
    }

    /// <summary>The cache's own, of the only image in it.</summary>
    private static ImageLease KeptLease(TestGateway gateway)
    {
        var entries = (IDictionary)Field(gateway.Services.GetRequiredService<ImageCache>(), "_entries");
        var entry = entries.Values.Cast<object>().Single();
        return (ImageLease)entry.GetType().GetProperty("Lease")!.GetValue(entry)!;
    }

    private static int HoldersOf(ImageLease lease) => (int)Field(Field(lease, "_holders"), "_count");

    private static object Field(object of, string name) => of.GetType().GetField(name, BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(of)!;
}
