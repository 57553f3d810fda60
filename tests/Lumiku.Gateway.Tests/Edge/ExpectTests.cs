using System.Text;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>Callers who ask before they send. A class of its own: Kestrel waits 5 s for a body that it has refused.</summary>
public class ExpectTests
{
    private const string Body = """{"inputs":"a heron"}""";

    [Fact]
    public async Task A_body_is_asked_for_only_where_it_is_wanted()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Limits:RequestBodyBytes=1000");
        var expecting = $"{Head}Connection: close\r\nExpect: 100-continue\r\n";
        using var client = await RawClient.ConnectAsync(gateway.Client.BaseAddress!);

        await client.SendAsync($"{expecting}Content-Length: {Body.Length}\r\n\r\n");
        var interim = new byte[100];
        var read = await client.ReadAsync(interim, TestContext.Current.CancellationToken);
        Encoding.ASCII.GetString(interim, 0, read).ShouldStartWith("HTTP/1.1 100 ");
        await client.SendAsync(Body);
        RawAnswer.ParseAll(await client.ReadToEndAsync()).ShouldHaveSingleItem().Status.ShouldBe(200);
        huggingFace.Received.ShouldHaveSingleItem().Header("Expect").ShouldBeNull();

        var tooLarge = await RawClient.ExchangeAsync(gateway.Client.BaseAddress!, $"{expecting}Content-Length: 1001\r\n\r\n");
        tooLarge.ShouldHaveSingleItem().Status.ShouldBe(413);
        var unknown = await RawClient.ExchangeAsync(gateway.Client.BaseAddress!, $"{expecting}Content-Length: 5\r\n\r\n".Replace(TestGateway.BackendKey, "wrong", StringComparison.Ordinal));
        unknown.ShouldHaveSingleItem().Status.ShouldBe(401);
    }

    private static string Head => $"POST /models/{TestGateway.Sd3} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\nContent-Type: application/json\r\n";
}
