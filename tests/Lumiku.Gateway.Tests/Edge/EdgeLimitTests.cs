using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>Who is slow, deaf or too many. The server's own clock counts here, so the times of the shipped limits are shortened where one has to pass.</summary>
public class EdgeLimitTests
{
    private const string Body = """{"inputs":"a heron"}""";

    private static readonly MinDataRate Short = new(bytesPerSecond: 4 * 1024, gracePeriod: TimeSpan.FromSeconds(1.1));

    [Fact]
    public async Task The_limits_are_those_that_the_documentation_names()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);

        var limits = gateway.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;

        limits.RequestHeadersTimeout.ShouldBe(TimeSpan.FromSeconds(10));
        (limits.MinRequestBodyDataRate!.BytesPerSecond, limits.MinRequestBodyDataRate.GracePeriod).ShouldBe((4096, TimeSpan.FromSeconds(5)));
        (limits.MinResponseDataRate!.BytesPerSecond, limits.MinResponseDataRate.GracePeriod).ShouldBe((16_384, TimeSpan.FromSeconds(10)));
        limits.MaxConcurrentConnections.ShouldBe(4096);
        limits.MaxConcurrentUpgradedConnections.ShouldBe(32, "the operators' pages");
        limits.MaxResponseBufferSize.ShouldBe(65_536);
        GatewayServer.SendBuffer.ShouldBe(65_536);
        limits.MaxRequestHeaderCount.ShouldBe(100);
        limits.MaxRequestHeadersTotalSize.ShouldBe(32_768);
        limits.MaxRequestLineSize.ShouldBe(8_192);
        limits.KeepAliveTimeout.ShouldBe(TimeSpan.FromSeconds(130));
    }

    [Fact]
    public async Task A_request_that_never_ends_is_ended()
    {
        (string Shape, int Status, string Text)[] requests =
        [
            ("headers that stop", 408, "POST /models/a/b HTTP/1.1\r\nHost: gateway\r\nX-A: b\r\n"),
            ("a request line that stops", 408, "POST /mod"),
            ("a body that stops", 400, $"{Head}Content-Length: 20\r\n\r\n{{\"inp"),
            ("a chunk that stops", 400, $"{Head}Transfer-Encoding: chunked\r\n\r\n14\r\n{{\"inp"),
            ("chunks without their last line end", 400, $"{Head}Transfer-Encoding: chunked\r\n\r\n14\r\n{Body}\r\n0\r\n"),
        ];
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, kestrel => (kestrel.Limits.RequestHeadersTimeout, kestrel.Limits.MinRequestBodyDataRate) = (TimeSpan.FromSeconds(1), Short));

        await Task.WhenAll(requests.Select(async request =>
        {
            var answers = await RawClient.ExchangeAsync(gateway.Client.BaseAddress!, request.Text);
            answers.ShouldHaveSingleItem().Status.ShouldBe(request.Status, request.Shape);
        }));

        huggingFace.Received.ShouldBeEmpty();
        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBeAnImage();
    }

    [Fact]
    public async Task Headers_that_trickle_are_ended_as_if_they_had_stopped()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, kestrel => kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1));
        using var client = await RawClient.ConnectAsync(gateway.Client.BaseAddress!);
        var reading = client.ReadToEndAsync();
        await client.SendAsync("POST /models/a/b HTTP/1.1\r\nHost: gateway\r\n");

        for (var i = 0; !reading.IsCompleted; i++)
        {
            await client.SendAsync($"X-{i}: a\r\n");
            await Task.Delay(TimeSpan.FromSeconds(0.1), TimeProvider.System);
        }

        (await reading).ShouldStartWith("HTTP/1.1 408");
    }

    [Fact]
    public async Task A_body_of_a_byte_too_many_is_413_and_what_it_holds_is_no_request()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Limits:RequestBodyBytes=1000");
        var body = RequestShapes.Canary.PadRight(1001);

        foreach (var framed in new[] { $"Content-Length: 1001\r\n\r\n{body}", $"Transfer-Encoding: chunked\r\n\r\n3e9\r\n{body}\r\n0\r\n\r\n" })
        {
            var answers = await RawClient.ExchangeAsync(gateway.Client.BaseAddress!, Head + framed + RequestShapes.Canary);
            answers.ShouldHaveSingleItem().Status.ShouldBe(413);
        }

        huggingFace.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task One_connection_too_many_is_closed_and_room_that_is_left_is_taken()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, kestrel => kestrel.Limits.MaxConcurrentConnections = 2);
        var first = await RawClient.ConnectAsync(gateway.Client.BaseAddress!);
        using var second = await RawClient.ConnectAsync(gateway.Client.BaseAddress!);
        await first.SendAsync("GET ");
        await second.SendAsync("GET ");

        using (var third = await RawClient.ConnectAsync(gateway.Client.BaseAddress!))
        {
            (await third.ReadToEndAsync()).ShouldBeEmpty();
        }

        first.Dispose();
        await Eventually.BeAsync(
            async () => (await RawClient.ExchangeAsync(gateway.Client.BaseAddress!, $"{Head}Connection: close\r\nContent-Length: {Body.Length}\r\n\r\n{Body}")) is [{ Status: 200 }], "there is room again");
    }

    private static string Head => $"POST /models/{TestGateway.Sd3} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\nContent-Type: application/json\r\n";

    private static Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, Action<KestrelServerOptions> change) =>
        TestGateway.StartWithAsync(huggingFace, services => services.Configure(change));
}
