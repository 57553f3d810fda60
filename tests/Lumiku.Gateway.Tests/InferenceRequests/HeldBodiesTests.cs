using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.InferenceRequests;

/// <summary>A body that takes no room is not there any more: else <c>Limits:BufferedBytes</c> bounds nothing.</summary>
public class HeldBodiesTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromMilliseconds(600);

    [Fact]
    public async Task A_generation_under_way_holds_the_body_and_the_room_for_it()
    {
        await using var bench = await FlightBench.StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        var asking = bench.AskAsync(model: TestGateway.Sd3);
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);

        BodyOfTheFlight(bench).ShouldBe(FlightBench.Body.Length);
        bench.Taken.ShouldBeGreaterThanOrEqualTo(FlightBench.Body.Length);
        bench.UpstreamTime.Advance(Rendering);
        (await asking).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_failure_that_is_remembered_holds_no_body()
    {
        await using var bench = await FlightBench.StartAsync("Generation:FailureMemory=00:01:00");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Empty500);

        (await bench.AskAsync(model: TestGateway.Sd3)).ShouldBe(502, "upstream-failed");
        await Eventually.BeAsync(() => bench.Taken == 0, "the room is given back");

        BodyOfTheFlight(bench).ShouldBe(0, "for a minute, and as many as fail in it");
    }

    [Theory]
    [InlineData('a')]
    [InlineData('é')]
    [InlineData(0x1F600)] // A smiley: four bytes that become twelve.
    [InlineData(0x7F)] // Delete: one that becomes six.
    public async Task A_body_that_grows_when_it_is_written_for_upstream_takes_the_room_that_it_then_needs(int letter)
    {
        await using var bench = await FlightBench.StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        var asking = bench.AskAsync($$"""{"inputs":"{{string.Concat(Enumerable.Repeat(char.ConvertFromUtf32(letter), 10_000))}}"}""");
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);

        bench.Taken.ShouldBeGreaterThanOrEqualTo(bench.HuggingFace.Received[0].Body.Length);
        bench.UpstreamTime.Advance(Rendering);
        (await asking).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
    }

    /// <summary>Bytes of the body in the flight that an equal request finds; boards it, and leaves it again.</summary>
    private static int BodyOfTheFlight(FlightBench bench)
    {
        bench.FlightCount.ShouldBe(1);
        using var seat = bench.SeatAt(FlightBench.Body, TestGateway.Sd3);
        bench.FlightCount.ShouldBe(1, "it is the flight that was there");
        var length = seat.Flight.Plan?.Request.Body.Length ?? 0;
        bench.Gateway.Services.GetRequiredService<Flights>().Leave(seat);
        return length;
    }
}
