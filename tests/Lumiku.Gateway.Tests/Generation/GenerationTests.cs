using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>A generation is nobody's connection: waiting for it and making it end at their own times.</summary>
public class GenerationTests
{
    private const string Body = """{"inputs":"a heron"}""";

    [Fact]
    public async Task A_caller_who_leaves_does_not_stop_the_generation()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);
        var running = gateway.Services.GetRequiredService<RunningGenerations>();
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(TimeSpan.FromMilliseconds(500)));

        using var leaving = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}") { Content = TestGateway.Json(Body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        var asking = gateway.Client.SendAsync(request, leaving.Token);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asking);
        running.Count.ShouldBe(1);

        await Eventually.BeAsync(() => running.Count == 0, "the generation ended");
        huggingFace.Received[0].Aborted.ShouldBeFalse();
    }

    [Fact]
    public async Task Waiting_ends_at_the_wait_limit_with_504_still_generating_and_the_generation_goes_on()
    {
        var time = new ManualTime();
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, time, "Generation:WaitLimit=00:02:00");
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.StallBeforeHeaders);

        var asking = gateway.GenerateAsync(TestGateway.Dev, Body);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");
        time.Advance(TimeSpan.FromSeconds(119));
        asking.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));

        var answer = await asking;
        answer.ShouldBe(504, "still-generating");
        answer.Header("Server-Timing").ShouldContain("upstream;dur=120000"); // It was upstream that took the time.
        gateway.Services.GetRequiredService<RunningGenerations>().Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_models_own_wait_limit_comes_before_the_general_one()
    {
        var time = new ManualTime();
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, time, $"Models:Catalog:{TestGateway.Dev}:WaitLimit=00:00:30");
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.StallMidBody(1000));

        var asking = gateway.GenerateAsync(TestGateway.Dev, Body);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");
        time.Advance(TimeSpan.FromSeconds(30));

        (await asking).ShouldBe(504, "still-generating");
    }

    [Fact]
    public async Task A_generation_ends_at_its_deadline_with_504_upstream_timeout()
    {
        var time = new ManualTime();
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, time, "Generation:WaitLimit=00:10:00", "Generation:Deadline=00:01:00");
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.StallMidBody(1000));

        var asking = gateway.GenerateAsync(TestGateway.Dev, Body);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");
        time.Advance(TimeSpan.FromMinutes(1));

        (await asking).ShouldBe(504, "upstream-timeout");
        await Eventually.BeAsync(() => huggingFace.Received[0].Aborted, "upstream was let go");
    }

    [Theory]
    [InlineData("stall-before-headers")]
    [InlineData("stall-mid-body(1000)")]
    public async Task An_upstream_silent_for_the_clusters_ActivityTimeout_is_504(string kind)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace, "Generation:Deadline=00:00:01", "ReverseProxy:Clusters:huggingface:HttpRequest:ActivityTimeout=00:00:01");
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.Parse(kind));

        (await gateway.GenerateAsync(TestGateway.Dev, Body)).ShouldBe(504, "upstream-timeout");
    }

    [Fact]
    public async Task The_callers_trace_goes_upstream_without_its_baggage()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);

        await gateway.GenerateAsync(TestGateway.Dev, Body, change: request =>
        {
            request.Headers.TryAddWithoutValidation("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
            request.Headers.TryAddWithoutValidation("tracestate", "vendor=secret");
            request.Headers.TryAddWithoutValidation("baggage", "user=42");
        });

        var seen = huggingFace.Received[0];
        seen.Header("traceparent")!.ShouldStartWith("00-0af7651916cd43dd8448eb211c80319c-");
        seen.Header("traceparent")!.ShouldNotContain("b7ad6b7169203331");
        seen.Header("tracestate").ShouldBeNull();
        seen.Header("baggage").ShouldBeNull();
    }

    [Fact]
    public async Task Images_of_all_sizes_come_through_whole()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Cache:MemoryBytes=0");
        foreach (var size in new[] { 12_000, 65_536, 200_000, 1_200_000 })
        {
            huggingFace.Options.ImageBytes = size;
            foreach (var kind in new[] { Misbehaviour.Well, Misbehaviour.ChunkedWhole, Misbehaviour.CloseDelimitedWhole })
            {
                huggingFace.Behave(TestGateway.Dev, kind);
                using var direct = new HttpClient();
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(huggingFace.Address, $"models/{TestGateway.Dev}")) { Content = TestGateway.Json(Body) };
                request.Headers.Add("Authorization", $"Bearer {TestGateway.UpstreamToken}");
                request.Headers.Add("Accept", "image/png");
                using var made = await direct.SendAsync(request, TestContext.Current.CancellationToken);

                var answer = await gateway.GenerateAsync(TestGateway.Dev, Body);

                answer.ShouldBeAnImage();
                answer.Body.ShouldBe(await made.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
            }
        }
    }
}
