using System.Globalization;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>An upstream in trouble is not helped by more requests: there are hardly more attempts than generations, whatever it does.</summary>
public class AmplificationTests
{
    private const int Generations = 100;
    private const int AtOnce = 10;

    [Theory]
    [InlineData("empty-500")]
    [InlineData("bad-gateway")]
    [InlineData("too-busy(60)")]
    [InlineData("cuda-out-of-memory")]
    [InlineData("overload")]
    [InlineData("unavailable-html")]
    [InlineData("loading(20)")]
    [InlineData("loading(1)")]
    [InlineData("rate-limited")]
    [InlineData("rate-limited-retry-after(1)")]
    [InlineData("credits-depleted")]
    [InlineData("reset-before-headers")]
    [InlineData("gateway-timeout")]
    public async Task Under_total_failure_upstream_is_asked_at_most_eleven_times_for_ten_generations(string kind)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Generation:WaitLimit=00:00:02");
        huggingFace.Behave("*", Misbehaviour.Parse(kind));

        await Parallel.ForEachAsync(Enumerable.Range(0, Generations), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (seed, _) =>
        {
            var answer = await gateway.GenerateAsync(TestGateway.Sd3, $$$"""{"inputs":"a heron","parameters":{"seed":{{{seed}}}}}""");
            ((int)answer.Status).ShouldBeGreaterThanOrEqualTo(400);
        });
        await Eventually.BeAsync(() => gateway.Services.GetRequiredService<RunningGenerations>().Count == 0, "all generations ended");

        var ratio = (double)huggingFace.Received.Count / Generations;
        Figures.Add("amplification", string.Create(CultureInfo.InvariantCulture, $"{kind,-30} {ratio:0.00} attempts for each generation"));
        ratio.ShouldBeLessThanOrEqualTo(1.1);
    }
}
