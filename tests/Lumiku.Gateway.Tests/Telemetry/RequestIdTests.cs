using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

public class RequestIdTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    [Theory]
    [InlineData("a")]
    [InlineData("Root=1-abc", false)] // An equals sign is not among the characters.
    [InlineData("req-1_2.3:4")]
    [InlineData("two words", false)]
    [InlineData("a,b", false)]
    [InlineData("", false)]
    public async Task A_callers_id_is_kept_if_it_is_fit_and_one_is_made_otherwise(string id, bool isKept = true)
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, "x", change: request => request.Headers.TryAddWithoutValidation("X-Request-Id", id));

        answer.ShouldBe(400, "malformed-body"); // The error's requestId is the header's: checked there.
        (answer.Header("X-Request-Id") == id).ShouldBe(isKept);
        answer.Header("X-Request-Id").Length.ShouldBeInRange(1, 128);
    }

    [Fact]
    public async Task An_id_of_129_characters_is_replaced()
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, "x", change: request => request.Headers.Add("X-Request-Id", new string('a', 129)));

        answer.Header("X-Request-Id").Length.ShouldBe(32);
    }

    [Fact]
    public async Task Every_answer_has_one_images_and_health_too()
    {
        (await fixture.Gateway.GenerateAsync(TestGateway.Dev, """{"inputs":"a"}""")).Header("X-Request-Id").ShouldNotBeEmpty();
        (await fixture.Gateway.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/health/live"))).Header("X-Request-Id").ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_mistake_of_ours_is_500_internal_and_shows_nothing_of_itself()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, new BrokenClock());

        var answer = await gateway.GenerateAsync(TestGateway.Dev, """{"inputs":"a"}""");

        answer.ShouldBe(500, "internal");
        System.Text.Encoding.UTF8.GetString(answer.Body).ShouldNotContain("clock");
    }

    private sealed class BrokenClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            dueTime > TimeSpan.FromMinutes(1) ? throw new InvalidOperationException("The clock is broken.") : base.CreateTimer(callback, state, dueTime, period);
    }
}
