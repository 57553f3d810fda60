using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>A fallback's image is made once for all replicas, too.</summary>
[Collection(Alone.Name)]
public sealed class SharedFallbackTests
{
    [Fact]
    public async Task A_fallback_joins_the_running_generation_of_another_replica()
    {
        var rendering = TimeSpan.FromSeconds(1);
        await using var server = await RedisServer.StartAsync();
        var upstream = new ManualTime();
        await using var hf = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = upstream });
        hf.Behave("*", Misbehaviour.Delay(rendering));
        hf.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        await using var one = await Replica.StartAsync(hf, server.Port, isPatient: true);
        await using var two = await Replica.StartAsync(hf, server.Port, isPatient: true);
        var falling = one.GenerateAsync(TestGateway.Dev, FlightBench.Body, "pro");
        await Eventually.BeAsync(() => upstream.Waiting == 1, "made by the fallback");
        var direct = two.GenerateAsync(TestGateway.Schnell, FlightBench.Body, "pro");
        await Task.Delay(TimeSpan.FromMilliseconds(1500), TimeProvider.System, TestContext.Current.CancellationToken);
        var making = upstream.Waiting;
        upstream.Advance(rendering);
        (await falling).ShouldBeAnImage();
        await direct;
        making.ShouldBe(1);
    }
}
