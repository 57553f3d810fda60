using Lumiku.Gateway.Bench.Load;
using Lumiku.Gateway.Bench.Servers;

namespace Lumiku.Gateway.Bench.Scenarios;

/// <param name="Answered">How many were answered with the whole image.</param>
internal sealed record WaitingResult(int Requests, int Answered, long BytesBefore, long BytesWaiting)
{
    /// <summary>In kB, as <see cref="KilobytesEach"/>.</summary>
    public const double Goal = 40;

    public double KilobytesEach => (BytesWaiting - BytesBefore) / 1024.0 / Requests;
}

/// <summary>What a caller costs who waits for a slow generation: many at once, and the gateway's memory before and meanwhile.</summary>
internal sealed class WaitingScenario(ServerFleet fleet, BackendClient client)
{
    public const string Kind = "waiting";

    private const int Requests = 2_000;
    private const int ImageBytes = 1_024;
    private const int WarmUpRequests = 200;

    /// <summary>Longer than it takes to open as many connections twice, on a slow machine too.</summary>
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    /// <exception cref="BenchException">They never all waited at the same time.</exception>
    public async Task<WaitingResult> RunAsync(CancellationToken cancellationToken)
    {
        var upstream = await fleet.StartUpstreamAsync(ImageBytes);
        var gateway = await fleet.StartGatewayAsync(upstream);
        var seed = BackendRequest.NewSeed();
        await Parallel.ForAsync(0, WarmUpRequests, cancellationToken, async (index, token) => await client.AskAsync(gateway.Address, seed + index, token));

        fleet.Stop(upstream);
        upstream = await fleet.StartUpstreamAsync(ImageBytes, Delay, upstream.Port);
        await Task.Delay(Settling, TimeProvider.System, cancellationToken);
        var before = gateway.ResidentBytes;

        var asks = Enumerable.Range(WarmUpRequests, Requests).Select(index => IsAnsweredAsync(gateway, seed + index, cancellationToken)).ToArray();
        var waiting = await MostResidentAsync(gateway, upstream, Task.WhenAny(asks), cancellationToken);
        return new WaitingResult(Requests, (await Task.WhenAll(asks)).Count(answered => answered), before, waiting);
    }

    /// <returns>The most memory the gateway had from the last request's arrival upstream to the first answer.</returns>
    private async Task<long> MostResidentAsync(ServerProcess gateway, ServerProcess upstream, Task firstAnswer, CancellationToken cancellationToken)
    {
        var most = 0L;
        while (!firstAnswer.IsCompleted)
        {
            if (most > 0 || await client.CountAsync(upstream.Address, cancellationToken) >= Requests)
            {
                most = Math.Max(most, gateway.ResidentBytes);
            }

            await Task.Delay(Step, TimeProvider.System, cancellationToken);
        }

        return most > 0 ? most : throw new BenchException($"{Kind}: the first was answered before all {Requests:N0} waited.");
    }

    private async Task<bool> IsAnsweredAsync(ServerProcess gateway, long seed, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await client.AskAsync(gateway.Address, seed, cancellationToken);
            return (int)answer.Status == StatusCodes.Status200OK && answer.Bytes == ImageBytes;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
