using System.Net;
using System.Net.Sockets;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Upstream is asked again only where the model surely did not run: an image that was made and lost is paid for twice.</summary>
public class RepeatTests
{
    private const string Body = """{"inputs":"a heron","parameters":{"seed":1}}""";

    [Theory]
    [InlineData(200)]
    [InlineData(1200)]
    public async Task An_upstream_that_refused_the_connection_and_is_back_after_a_pause_makes_the_image(int pause)
    {
        var port = RedisServer.FreePort();
        await using var bench = await TroubleBench.StartAsync(Address(new Uri($"http://127.0.0.1:{port}/hf-inference/")));

        var asking = bench.GenerateAsync(TestGateway.Sd3);
        await bench.ShouldPauseAsync();
        if (pause > 200)
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(200));
            await bench.ShouldPauseAsync();
        }

        await using var back = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { Port = port });
        bench.Time.Advance(TimeSpan.FromMilliseconds(pause > 200 ? 1000 : 200));

        (await asking).ShouldBeAnImage();
        back.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task No_connection_is_tried_three_times_and_then_is_502()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using var bench = await TroubleBench.StartAsync(Address(new Uri($"https://127.0.0.1:{port}/"))); // What answers knows no TLS.
        var connections = 0;
        var accepting = Task.Run(
            async () =>
            {
                while (true)
                {
                    using var connection = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
                    Interlocked.Increment(ref connections);
                }
            },
            TestContext.Current.CancellationToken);

        var answer = await bench.RunUntilAsync(bench.GenerateAsync(TestGateway.Sd3));

        answer.ShouldBe(502, "upstream-failed");
        answer.Header("Retry-After").ShouldNotBeEmpty();
        connections.ShouldBe(3);
        listener.Stop();
        await Should.ThrowAsync<SocketException>(accepting);
    }

    [Theory]
    [InlineData("close-mid-headers", 502)]
    [InlineData("reset-with-length(1000)", 502)]
    [InlineData("cut-close-delimited(1000)", 502)]
    [InlineData("wrong-length-long", 502)]
    [InlineData("bad-chunk-size", 502)]
    [InlineData("gateway-timeout", 504)]
    [InlineData("html-200", 502)]
    [InlineData("json-200", 502)]
    [InlineData("png-without-end", 502)]
    [InlineData("accepted-202", 502)]
    [InlineData("no-content-204", 502)]
    [InlineData("credits-depleted", 502)]
    [InlineData("rate-limited-retry-after(1)", 429)]
    [InlineData("unexpected-keyword", 422)]
    [InlineData("deprecated", 404)]
    public async Task A_model_that_may_have_run_or_would_only_refuse_again_is_asked_once(string kind, int status)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);
        huggingFace.BehaveNext(Misbehaviour.Parse(kind));

        ((int)(await gateway.GenerateAsync(TestGateway.Sd3, Body)).Status).ShouldBe(status);

        huggingFace.Received.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("stall-before-headers")]
    [InlineData("stall-mid-body(1000)")]
    public async Task A_model_that_fell_silent_is_asked_once(string kind)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace, "Generation:Deadline=00:00:01", "ReverseProxy:Clusters:huggingface:HttpRequest:ActivityTimeout=00:00:01");
        huggingFace.BehaveNext(Misbehaviour.Parse(kind));

        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBe(504, "upstream-timeout");

        huggingFace.Received.Count.ShouldBe(1);
    }

    /// <summary>Clients like to repeat by themselves what a kept connection lost.</summary>
    [Theory]
    [InlineData("close-before-headers")]
    [InlineData("reset-before-headers")]
    public async Task A_connection_that_served_before_and_breaks_without_an_answer_is_not_used_as_an_excuse_to_ask_again(string kind)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Cache:MemoryBytes=0", "Generation:FailureMemory=00:00:00");
        for (var round = 0; round < 5; round++)
        {
            (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBeAnImage();
            huggingFace.BehaveNext(Misbehaviour.Parse(kind));
            (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBe(502, "upstream-failed");
        }

        huggingFace.Received.Count.ShouldBe(10);
    }

    private static string Address(Uri address) => $"ReverseProxy:Clusters:huggingface:Destinations:primary:Address={address}";
}
