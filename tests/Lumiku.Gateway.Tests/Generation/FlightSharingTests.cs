using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Who shares a generation with whom.</summary>
public class FlightSharingTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromMilliseconds(600);

    [Fact]
    public async Task A_no_store_request_neither_joins_a_generation_nor_is_joined()
    {
        await using var bench = await StartAsync();
        var before = bench.AskAsync(cacheControl: "no-store");
        await bench.ShouldRenderAsync(1);
        var plain = bench.AskAsync();
        await bench.ShouldRenderAsync(2);
        Task<Answer>[] privates = [before, bench.AskAsync(cacheControl: "no-store")];
        await bench.ShouldRenderAsync(3);
        bench.FlightCount.ShouldBe(1);
        bench.UpstreamTime.Advance(Rendering);

        Array.ForEach(await Task.WhenAll(privates), answer => FlightBench.ShouldBeBy(answer, "BYPASS", units: 1));
        FlightBench.ShouldBeBy(await plain, "MISS", units: 1);
        bench.Calls.ShouldBe(3);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task The_504_of_a_no_store_request_says_that_its_image_is_kept_nowhere()
    {
        await using var bench = await StartAsync();
        var asking = bench.AskAsync(cacheControl: "no-store");
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        bench.Time.Advance(TimeSpan.FromSeconds(170));

        var answer = await asking;
        answer.ShouldBe(504, "still-generating");
        answer.Error.ShouldContain("kept nowhere");
        bench.UpstreamTime.Advance(Rendering);
        await bench.ShouldEndEmptyAsync();
        bench.Gateway.Services.GetRequiredService<ImageCache>().Count.ShouldBe(0);
        bench.HuggingFace.Received[0].Aborted.ShouldBeFalse("it is finished, and paid for");
    }

    [Fact]
    public async Task A_no_cache_request_joins_a_generation_that_runs_and_no_kept_image()
    {
        await using var bench = await StartAsync();
        var first = bench.AskAsync();
        await bench.ShouldRenderAsync(1);
        var fresh = bench.AskAsync(cacheControl: "no-cache");
        await bench.ShouldWaitAsync(2);
        bench.UpstreamTime.Advance(Rendering);

        FlightBench.ShouldBeBy(await first, "MISS", units: 1);
        FlightBench.ShouldBeBy(await fresh, "COALESCED", units: 0);
        (await fresh).Header("Cache-Status").ShouldBe("lumiku; fwd=request; collapsed");
        bench.HuggingFace.BehaveWell();
        FlightBench.ShouldBeBy(await bench.AskAsync(cacheControl: "no-cache"), "MISS", units: 1);
        bench.Calls.ShouldBe(2);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Requests_that_differ_in_anything_that_makes_the_image_never_share()
    {
        await using var bench = await StartAsync();
        Task<Answer>[] asking =
        [
            bench.AskAsync(),
            bench.AskAsync("""{"inputs":"A heron"}"""),
            bench.AskAsync("""{"inputs":"a heron "}"""),
            bench.AskAsync("""{"inputs":"a heron","parameters":{"seed":1}}"""),
            bench.AskAsync("""{"inputs":"a heron","parameters":{"seed":2}}"""),
            bench.AskAsync("""{"inputs":"a heron","parameters":{"width":512,"height":768}}"""),
            bench.AskAsync("""{"inputs":"a heron","parameters":{"width":768,"height":512}}"""),
            bench.AskAsync(model: TestGateway.Sd3),
            bench.AskAsync(model: TestGateway.Xl),
            bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, change: request => request.Headers.Add("Accept", "image/jpeg")),
        ];
        await bench.ShouldRenderAsync(asking.Length);
        bench.UpstreamTime.Advance(Rendering);

        var answers = await Task.WhenAll(asking);
        answers.ShouldAllBe(answer => answer.Header("X-Cache") == "MISS");
        answers.Select(answer => answer.Header("ETag")).Distinct().Count().ShouldBe(asking.Length);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Requests_of_the_same_meaning_share_however_they_are_spelled_and_whoever_asks()
    {
        await using var bench = await StartAsync();
        var first = bench.AskAsync("""{"inputs":"a heron","parameters":{"seed":1}}""", user: "user-1");
        await bench.ShouldRenderAsync(1);
        var others = new[]
        {
            bench.AskAsync("""  { "inputs" : "a heron", "parameters" : { "seed" : 1 } } """, user: "user-2"),
            bench.AskAsync("""{"inputs":"\u0061 heron","parameters":{"s\u0065ed":1}}"""),
        };
        await bench.ShouldWaitAsync(3);
        bench.UpstreamTime.Advance(Rendering);

        FlightBench.ShouldBeBy(await first, "MISS", units: 1);
        Array.ForEach(await Task.WhenAll(others), answer => FlightBench.ShouldBeBy(answer, "COALESCED", units: 0));
        bench.Calls.ShouldBe(1);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task With_the_scope_User_only_a_users_own_requests_share()
    {
        await using var bench = await StartAsync("Cache:Scope=User");
        Task<Answer>[] asking = [bench.AskAsync(user: "user-1"), bench.AskAsync(user: "user-1"), bench.AskAsync(user: "user-2")];
        await bench.ShouldWaitAsync(3, generations: 2);
        await bench.ShouldRenderAsync(2);
        bench.UpstreamTime.Advance(Rendering);

        var answers = await Task.WhenAll(asking);
        answers.Take(2).Select(answer => answer.Header("X-Cache")).ShouldBe(["COALESCED", "MISS"], ignoreOrder: true);
        FlightBench.ShouldBeBy(answers[2], "MISS", units: 1);
        await bench.ShouldEndEmptyAsync();
    }

    private static async Task<FlightBench> StartAsync(params string[] settings)
    {
        var bench = await FlightBench.StartAsync(settings);
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        return bench;
    }
}
