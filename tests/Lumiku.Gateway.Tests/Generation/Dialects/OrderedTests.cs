using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;
using static Lumiku.Gateway.Tests.Support.TestGateway;

namespace Lumiku.Gateway.Tests.Generation.Dialects;

/// <summary>What was ordered may be made and has to be paid for: trouble with asking after it is no reason to order it anywhere again.</summary>
public class OrderedTests
{
    private const string Body = """{"inputs":"a heron"}""";

    private static readonly string[] Everything =
    [
        .. Enum.GetNames<FailureClass>().SelectMany((name, index) => new[] { $"Models:Catalog:{Dev}:NextOn:{index}={name}", $"Models:Catalog:{Dev}:FallbackOn:{index}={name}" }),
    ];

    [Theory]
    [InlineData("fal-ai", "failing-polls(99,502)", 502, "upstream-failed", 6)]
    [InlineData("fal-ai", "failing-polls(99,500)", 502, "upstream-failed", 6)]
    [InlineData("fal-ai", "failing-polls(99,429)", 429, "upstream-rate-limited", 6)]
    [InlineData("fal-ai", "failing-polls(99,503)", 504, "upstream-overloaded", 6)]
    [InlineData("fal-ai", "failing-polls(99,401)", 502, "upstream-account", 1)]
    [InlineData("fal-ai", "failing-polls(99,404)", 404, "model-not-offered", 1)]
    [InlineData("replicate", "failing-polls(99,503)", 504, "upstream-overloaded", 6)]
    [InlineData("wavespeed", "failing-polls(99,503)", 504, "upstream-overloaded", 6)]
    [InlineData("wavespeed", "enveloped-polls(99,503)", 504, "upstream-overloaded", 6)]
    [InlineData("wavespeed", "enveloped-polls(99,500)", 502, "upstream-failed", 6)]
    [InlineData("wavespeed", "enveloped-polls(99,429)", 429, "upstream-rate-limited", 6)]
    [InlineData("wavespeed", "enveloped-polls(99,401)", 502, "upstream-account", 1)]
    public async Task Trouble_while_asking_after_an_order_is_told_and_nobody_else_is_asked(string upstream, string kind, int status, string type, int polls)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        var time = new ManualTime();
        await using var gateway = await StartAsync(huggingFace, time, upstream, Everything);
        huggingFace.Behave($"{upstream}:{Dev}", Misbehaviour.Parse(kind));

        (await RunAsync(time, gateway.GenerateAsync(Dev, Body, "pro"))).ShouldBe(status, type);

        var order = huggingFace.Received.ShouldHaveSingleItemThatOrders();
        order.Provider.ShouldBe(upstream);
        huggingFace.Received.Count(request => request.Method == "GET").ShouldBe(polls);
    }

    [Theory]
    [InlineData("wavespeed", "enveloped-polls(2,503)")]
    [InlineData("wavespeed", "enveloped-polls(5,429)")]
    [InlineData("wavespeed", "enveloped-polls(5,500)")]
    [InlineData("fal-ai", "failing-polls(5,502)")]
    public async Task Trouble_while_asking_that_passes_ends_in_the_image_that_was_ordered(string upstream, string kind)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        var time = new ManualTime();
        await using var gateway = await StartAsync(huggingFace, time, upstream);
        huggingFace.Behave($"{upstream}:{Dev}", Misbehaviour.Parse(kind));

        var answer = await RunAsync(time, gateway.GenerateAsync(Dev, Body, "pro"));

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Upstream").ShouldBe(upstream);
        huggingFace.Received.ShouldHaveSingleItemThatOrders();
    }

    [Theory]
    [InlineData(3600)]
    [InlineData(5_000_000)]
    public async Task An_order_is_asked_after_again_soon_however_long_Retry_After_is(int seconds)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        var time = new ManualTime();
        await using var gateway = await StartAsync(huggingFace, time, "fal-ai");
        huggingFace.Behave($"fal-ai:{Dev}", Misbehaviour.AtPolls(1, Misbehaviour.RateLimitedRetryAfter(seconds)));
        var began = time.GetTimestamp();

        var answer = await RunAsync(time, gateway.GenerateAsync(Dev, Body, "pro"));

        answer.ShouldBeAnImage();
        time.GetElapsedTime(began).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromSeconds(15));
        huggingFace.Received.ShouldHaveSingleItemThatOrders();
    }

    [Theory]
    [InlineData("fal-ai")]
    [InlineData("replicate")]
    [InlineData("wavespeed")]
    public async Task An_order_that_failed_by_its_own_status_goes_to_the_next(string upstream)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        var time = new ManualTime();
        await using var gateway = await StartAsync(huggingFace, time, upstream);
        huggingFace.Behave($"{upstream}:{Dev}", Misbehaviour.FailedPrediction("the weights are missing"));

        var answer = await RunAsync(time, gateway.GenerateAsync(Dev, Body, "pro"));

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Upstream").ShouldNotBe(upstream);
    }

    /// <summary>That upstream first, then the other two that are polled, then the fallback.</summary>
    private static Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, TimeProvider time, string first, params string[] settings)
    {
        string[] all = ["fal-ai=fal-ai/flux/dev", "replicate=black-forest-labs/flux-dev", "wavespeed=wavespeed-ai/flux-dev"];
        return ServedGateway.StartWithAsync(
            huggingFace, services => services.AddSingleton(time), Dev, [.. all.OrderByDescending(served => served.StartsWith(first, StringComparison.Ordinal))], settings);
    }

    /// <summary>Lets the clock run until the answer is there.</summary>
    private static async Task<Answer> RunAsync(ManualTime time, Task<Answer> asking)
    {
        await Eventually.BeAsync(
            () =>
            {
                if (!asking.IsCompleted)
                {
                    time.Advance(TimeSpan.FromMilliseconds(250));
                }

                return asking.IsCompleted;
            },
            "the answer is there");
        return await asking;
    }
}

file static class Orders
{
    public static ReceivedRequest ShouldHaveSingleItemThatOrders(this IEnumerable<ReceivedRequest> received) => received.Where(request => request.Method == "POST").ShouldHaveSingleItem();
}
