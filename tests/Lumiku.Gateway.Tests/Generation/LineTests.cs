using System.Net;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Nobody in line is forgotten, however close in time the turns come.</summary>
public class LineTests
{
    private static readonly GatewayProblem Exceeded = new(429, "quota-exceeded", "Your images of today are used up.", RetryAfter: TimeSpan.FromSeconds(60));

    private readonly RecordingLedger _ledger = new();

    [Fact]
    public async Task Where_many_are_refused_one_right_after_the_other_each_is_told_at_once()
    {
        _ledger.Decide = async _ =>
        {
            await Task.Yield();
            return Exceeded;
        };
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartWithAsync(
            huggingFace, services => services.AddSingleton<IUnitLedger>(_ledger), "Generation:WaitLimit=00:00:05");

        for (var round = 0; round < 150; round++)
        {
            var body = $$"""{"inputs":"a heron in round {{round}}"}""";
            var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => gateway.GenerateAsync(TestGateway.Dev, body)));
            answers.Where(answer => answer.Status != HttpStatusCode.TooManyRequests).Select(answer => answer.ErrorType).ShouldBeEmpty($"in round {round}");
        }

        _ledger.Asked.Count.ShouldBe(150 * 24);
        huggingFace.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Where_half_are_refused_one_image_is_made_and_all_the_others_get_it()
    {
        _ledger.Decide = async user =>
        {
            await Task.Yield();
            return int.Parse(user) % 2 == 0 ? Exceeded : null;
        };
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartWithAsync(
            huggingFace, services => services.AddSingleton<IUnitLedger>(_ledger), "Generation:WaitLimit=00:00:05");

        for (var round = 0; round < 60; round++)
        {
            var body = $$"""{"inputs":"a heron in round {{round}}"}""";
            var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(user => gateway.GenerateAsync(TestGateway.Dev, body, "PRO", request =>
            {
                request.Headers.Remove("X-Lumiku-User");
                request.Headers.Add("X-Lumiku-User", $"{user}");
            })));
            answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.OK || answer.Status == HttpStatusCode.TooManyRequests);
            answers.Count(answer => answer.Header("X-Cache") == "MISS").ShouldBe(1);
        }

        huggingFace.Received.Count.ShouldBe(60);
        _ledger.Used.ShouldBe(Enumerable.Repeat(1, 60));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_fallback_in_line_behind_somebodys_reservation_gets_the_image_either_way(bool isGranted)
    {
        var first = new TaskCompletionSource<GatewayProblem?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ledger.Decide = user => user == "A" ? first.Task : Task.FromResult<GatewayProblem?>(null);
        await using var bench = await FlightBench.StartAsync(_ledger, $"Models:Catalog:{TestGateway.Dev}:Units=2", $"Models:Catalog:{TestGateway.Schnell}:Units=5");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        var direct = bench.AskAsync(model: TestGateway.Schnell, user: "A");
        await Eventually.BeAsync(() => _ledger.Asked.Count == 1, "A asks to reserve");
        var fallback = bench.AskAsync(model: TestGateway.Dev, user: "B");
        await Eventually.BeAsync(() => bench.Calls == 1, "the model was asked in vain");
        await bench.ShouldWaitAsync(1);

        first.SetResult(isGranted ? null : Exceeded);

        if (isGranted)
        {
            FlightBench.ShouldBeBy(await direct, "MISS", units: 5);
            var shared = await fallback;
            shared.Header("X-Cache").ShouldBeOneOf("COALESCED", "HIT"); // HIT where A's image was kept before B had turned to it.
            shared.Header("X-Lumiku-Units").ShouldBe("0");
            _ledger.Used.ShouldBe([0, 5], "B reserved first, and A's image cost B nothing");
        }
        else
        {
            (await direct).ShouldBe(429, "quota-exceeded");
            FlightBench.ShouldBeBy(await fallback, "MISS", units: 2);
            _ledger.Used.ShouldBe([2]);
        }

        bench.Calls.ShouldBe(2);
        await bench.ShouldEndEmptyAsync();
    }
}
