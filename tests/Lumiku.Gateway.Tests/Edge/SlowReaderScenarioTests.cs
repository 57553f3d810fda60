using System.Globalization;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>Slow readers of a large image and normal callers at once, against the program with its limits as shipped.</summary>
[Collection(Alone.Name)]
public class SlowReaderScenarioTests
{
    private const string Body = """{"inputs":"a heron"}""";
    private const long MiB = 1024 * 1024;
    private const int Callers = 50;
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(2_000)]
    public async Task Slow_readers_cost_little_and_nobody_else_notices(int bytesPerSecond)
    {
        Assert.SkipUnless(LongRun.IsOn || bytesPerSecond == 0, LongRun.Reason);
        var readers = LongRun.IsOn ? 500 : 100;
        await using var huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { ImageBytes = 1_200_000 });
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { ["GATEWAY_SETTINGS"] = TestGateway.UnlimitedSettings });
        using var slow = new SlowReaders();
        var failures = new List<string>();
        var answered = 0;
        await AskAllAsync();
        var before = gateway.ResidentBytes;
        await slow.StartAsync(gateway.Client.BaseAddress!, readers, bytesPerSecond, Body);
        var started = TimeProvider.System.GetTimestamp();
        var (most, sockets) = (0L, 0L);

        while (TimeProvider.System.GetElapsedTime(started) < (LongRun.IsOn ? TimeSpan.FromSeconds(90) : TimeSpan.FromSeconds(2)) && slow.Cut < readers)
        {
            await AskAllAsync();
            (most, sockets) = (Math.Max(most, gateway.ResidentBytes - before), Math.Max(sockets, SocketBytes()));
            await Task.Delay(TimeSpan.FromSeconds(0.5), TimeProvider.System);
        }

        Figures.Add("slow readers", string.Create(
            CultureInfo.InvariantCulture,
            $"{readers} of 1.2 MB at {bytesPerSecond} B/s: {slow.Cut} cut, the last after {slow.Longest.TotalSeconds:0} s; process growth {most / MiB} MiB, sockets of the machine {sockets / MiB} MiB; {answered} normal images, {failures.Count} failed"));
        failures.ShouldBeEmpty();
        most.ShouldBeLessThan(96 * MiB);
        if (LongRun.IsOn)
        {
            slow.Cut.ShouldBe(readers);
        }

        // What all programs have on the way over TCP: in pages, behind the last word of its line. The readers' ends are here, too.
        static long SocketBytes() => long.Parse(File.ReadLines("/proc/net/sockstat").Single(line => line.StartsWith("TCP:", StringComparison.Ordinal)).Split(' ')[^1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;

        async Task AskAllAsync()
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => gateway.AskAsync(Body)));
            answered += answers.Length;
            failures.AddRange(answers.OfType<string>());
        }
    }
}
