using System.Net;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>What the server makes of requests that others might read differently. Behind each, in the same write, comes another one.</summary>
public class RequestShapeTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private static readonly string[] SentUpstream = ["Host", "Authorization", "Accept", "Content-Type", "Content-Length", "User-Agent", "traceparent"];

    public static TheoryData<string, string> Refused => RequestShapes.Refused;

    public static TheoryData<string, int, string> RefusedOtherwise => RequestShapes.RefusedOtherwise;

    public static TheoryData<string, int, int, string> Understood => RequestShapes.Understood;

    [Theory]
    [MemberData(nameof(Refused))]
    public Task An_ambiguous_request_is_400_and_nothing_behind_it_is_read(string shape, string request) => BeRefusedAsync(shape, 400, request);

    [Theory]
    [MemberData(nameof(RefusedOtherwise))]
    public Task What_the_server_does_not_serve_is_refused_and_nothing_behind_it_is_read(string shape, int status, string request) => BeRefusedAsync(shape, status, request);

    [Theory]
    [MemberData(nameof(Understood))]
    public async Task What_has_one_meaning_is_answered_and_so_is_the_next(string shape, int status, int asked, string request)
    {
        var before = fixture.HuggingFace.Received.Count;

        var answers = await RawClient.ExchangeAsync(fixture.Gateway.Client.BaseAddress!, request + RequestShapes.Canary);

        answers.Select(answer => answer.Status).ShouldBe([status, 200], shape);
        var received = fixture.HuggingFace.Received.Skip(before).ToList();
        received.Count.ShouldBe(asked + 1, shape);
        received[^1].Path.ShouldBe($"/hf-inference/models/{TestGateway.Xl}");
        received.ForEach(ShouldBeWellFormed);
        await OthersAreServedAsync();
    }

    [Fact]
    public async Task HTTP_2_is_not_offered_and_its_first_bytes_end_the_connection_with_a_GOAWAY()
    {
        const string Settings = "\0\0\0\u0004\0\0\0\0\0";
        const char GoAway = '\u0007', Http11Required = '\u000d';
        var before = fixture.HuggingFace.Received.Count;
        using var client = await RawClient.ConnectAsync(fixture.Gateway.Client.BaseAddress!);

        await client.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Settings + RequestShapes.Canary);

        var frames = await client.ReadToEndAsync();
        frames[^14].ShouldBe(GoAway);
        frames[^1].ShouldBe(Http11Required);
        fixture.HuggingFace.Received.Count.ShouldBe(before);
        await OthersAreServedAsync();
    }

    private async Task BeRefusedAsync(string shape, int status, string request)
    {
        var before = fixture.HuggingFace.Received.Count;

        var answers = await RawClient.ExchangeAsync(fixture.Gateway.Client.BaseAddress!, request + RequestShapes.Canary);

        answers.Select(answer => answer.Status).ShouldBe([status], shape);
        fixture.HuggingFace.Received.Skip(before).Select(received => received.Path).ShouldBeEmpty(shape);
        await OthersAreServedAsync();
    }

    private async Task OthersAreServedAsync()
    {
        using var fresh = new HttpClient { BaseAddress = fixture.Gateway.Client.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json("""{"inputs":"a heron"}""") };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        (await fresh.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private static void ShouldBeWellFormed(ReceivedRequest request)
    {
        request.Method.ShouldBeOneOf("GET", "POST");
        request.Headers.Keys.ShouldBeSubsetOf(SentUpstream);
        request.Header("Authorization").ShouldBe($"Bearer {TestGateway.UpstreamToken}");
        if (request.Method == "POST")
        {
            request.Header("Content-Length").ShouldBe($"{request.Body.Length}");
            request.Prompt.ShouldBe("a heron");
        }
        else
        {
            request.Body.ShouldBeEmpty();
        }
    }
}
