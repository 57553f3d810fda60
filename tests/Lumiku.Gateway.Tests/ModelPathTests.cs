using System.Net.Sockets;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests;

/// <summary>However a path is spelled, it is the same model under the same rules, or nothing.</summary>
public class ModelPathTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string Body = """{"inputs":"a heron","parameters":{"num_inference_steps":30}}""";

    [Theory]
    [InlineData("/models/black-forest-labs/FLUX.1-dev")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev/")]
    [InlineData("/models/BLACK-FOREST-LABS/flux.1-DEV")]
    [InlineData("/Models/black-forest-labs/FLUX.1-dev")]
    [InlineData("/MODELS/black-forest-labs/FLUX.1-dev?wait=1&model=x")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev?")]
    [InlineData("/models/black-forest-labs/%46LUX.1-dev")]
    [InlineData("/models/black-forest-labs/FLUX%2e1-dev")]
    [InlineData("/models/x/../black-forest-labs/FLUX.1-dev")]
    [InlineData("/models/./black-forest-labs/FLUX.1-dev")]
    [InlineData("/x/../models/black-forest-labs/FLUX.1-dev")]
    [InlineData("/models/%2e%2e/models/black-forest-labs/FLUX.1-dev")]
    [InlineData("http://router.huggingface.co/models/black-forest-labs/FLUX.1-dev", "router.huggingface.co")]
    public async Task A_free_user_gets_schnell_under_every_spelling_of_dev(string target, string host = "127.0.0.1")
    {
        var (status, served) = await AskAsync("POST", target, host);

        status.ShouldBe(200);
        served.ShouldBe($"/hf-inference/models/{TestGateway.Schnell}");
    }

    [Theory]
    [InlineData("/models/black-forest-labs/FLUX.1-dev/pipeline/text-to-image")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev/PIPELINE/text-to-image/")]
    public async Task A_free_user_gets_schnell_for_dev_with_a_task_too(string target)
    {
        var (status, served) = await AskAsync("POST", target);

        status.ShouldBe(200);
        served.ShouldBe($"/hf-inference/models/{TestGateway.Schnell}/pipeline/text-to-image");
    }

    [Theory]
    [InlineData("/models/black-forest-labs%2FFLUX.1-dev")]
    [InlineData("/models/black-forest-labs%2fFLUX.1-dev")]
    [InlineData("/models/black-forest-labs%252FFLUX.1-dev")]
    [InlineData("/models/black-forest-labs%5CFLUX.1-dev")]
    [InlineData("/models/black-forest-labs\\FLUX.1-dev")]
    [InlineData("/models//black-forest-labs/FLUX.1-dev")]
    [InlineData("//models/black-forest-labs/FLUX.1-dev")]
    [InlineData("/models/black-forest-labs//FLUX.1-dev")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev//")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev%0a")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev%0d%0aX-Evil:%201")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev%20")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev;a=b")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev,")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev%3Fx")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev%23x")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev/x")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev/pipeline")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev/pipeline/a/b")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev/pipeline/..%2f..")]
    [InlineData("/models/..%2fadmin")]
    [InlineData("/models/%E2%84%AAx/FLUX.1-dev")] // The Kelvin sign, which lower-cases to k.
    [InlineData("/models/black-forest-labs/%EF%BC%A6LUX.1-dev")] // A full-width F.
    [InlineData("/models/.hidden/x")]
    [InlineData("/models/-x/y")]
    [InlineData("/models")]
    [InlineData("/models/")]
    [InlineData("/hf-inference/models/black-forest-labs/FLUX.1-dev")]
    [InlineData("/api/models/black-forest-labs/FLUX.1-dev")]
    [InlineData("/")]
    [InlineData("/metrics")]
    [InlineData("/ops")]
    public async Task What_names_no_model_is_404_and_never_reaches_upstream(string target)
    {
        var before = fixture.HuggingFace.Received.Count;

        var (status, _) = await AskAsync("POST", target);

        status.ShouldBe(404);
        fixture.HuggingFace.Received.Count.ShouldBe(before);
    }

    [Theory]
    [InlineData("/models/black-forest-labs/FLUX.1-dev\x00")]
    [InlineData("/models/black-forest-labs/FLUX.1-dev%00")]
    public async Task A_path_that_HTTP_does_not_allow_is_refused_by_the_server(string target)
    {
        var (status, _) = await AskAsync("POST", target);

        status.ShouldBe(400);
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    [InlineData("get")]
    [InlineData("FOO")]
    public async Task Other_methods_are_405(string method)
    {
        var before = fixture.HuggingFace.Received.Count;

        var (status, _) = await AskAsync(method, $"/models/{TestGateway.Dev}");

        status.ShouldBe(405);
        fixture.HuggingFace.Received.Count.ShouldBe(before);
    }

    [Fact]
    public async Task A_405_says_what_is_allowed()
    {
        var answer = await fixture.Gateway.SendAsync(new HttpRequestMessage(HttpMethod.Put, $"/models/{TestGateway.Dev}"));

        answer.ShouldBe(405, "method-not-allowed");
        answer.Header("Allow").ShouldBe("GET, HEAD, POST");
        (await fixture.Gateway.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/health/live"))).ShouldBe(405, "method-not-allowed");
    }

    [Fact]
    public async Task An_id_of_96_characters_a_segment_is_the_longest()
    {
        var segment = new string('a', 96);

        (await AskAsync("POST", $"/models/{segment}/{segment}")).Served.ShouldBe($"/hf-inference/models/{segment}/{segment}");
        (await AskAsync("POST", $"/models/{segment}a/{segment}")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_wrong_path_is_answered_in_the_one_shape_with_a_hint()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = TestGateway.Json(Body) };
        var answer = await fixture.Gateway.SendAsync(request);

        answer.ShouldBe(404, "unknown-route");
        answer.Json.GetProperty("detail").GetString()!.ShouldContain("endpointUrl");
    }

    /// <summary>By a bare socket: clients tidy paths up before they send them.</summary>
    private async Task<(int Status, string? Served)> AskAsync(string method, string target, string host = "127.0.0.1")
    {
        var before = fixture.HuggingFace.Received.Count;
        var gateway = fixture.Gateway.Client.BaseAddress!;
        using var socket = new TcpClient(gateway.Host, gateway.Port);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(
            $"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\nX-Lumiku-Tier: free\r\nX-Lumiku-User: user-1\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {Body.Length}\r\nConnection: close\r\n\r\n{Body}"));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        var served = fixture.HuggingFace.Received.Skip(before).FirstOrDefault();
        return (int.Parse(answer.Split(' ')[1]), served?.Path);
    }
}
