using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.InferenceRequests;

public class BodyTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string Good = """{"inputs":"a heron"}""";

    [Theory]
    [InlineData("", "empty")]
    [InlineData("x", "line 1, byte 1")]
    [InlineData("[]", "an array of 0")]
    [InlineData("\"inputs\"", "a string of 6 characters")]
    [InlineData("null", "null")]
    [InlineData("""{"inputs":"a"}x""", "not valid JSON")]
    [InlineData("""{"inputs":"a",}""", "not valid JSON")]
    [InlineData("""{"inputs":"a"/* b */}""", "not valid JSON")]
    [InlineData("""{"inputs":"a","seed":NaN}""", "not valid JSON")]
    [InlineData("""{"inputs":"a","seed":01}""", "not valid JSON")]
    [InlineData("""{"inputs":"a","inputs":"b"}""", "same name twice")]
    [InlineData("""{"inputs":"a","parameters":{"seed":1,"se\u0065d":2}}""", "same name twice")]
    [InlineData("""{"prompt":"a"}""", "'inputs' is missing")]
    [InlineData("""{"inputs":null}""", "'inputs' is missing")]
    [InlineData("""{"Inputs":"a"}""", "'inputs' is missing")]
    [InlineData("""{"inputs":"a","parameters":[4]}""", "'parameters' must be an object; it is an array of 1")]
    [InlineData("""{"inputs":"a","parameters":"steps"}""", "a string of 5 characters")]
    [InlineData("""{"inputs":"\ud800"}""", "surrogate")]
    [InlineData("""{"inputs":"a","\udc00":1}""", "surrogate")]
    [InlineData("""{"inputs":"a","parameters":{"x":["\ud83d x"]}}""", "surrogate")]
    [InlineData("\ufeff{\"inputs\":\"a\"}", "not valid JSON")]
    public async Task A_malformed_body_is_400_and_says_why(string body, string why)
    {
        var before = fixture.HuggingFace.Received.Count;

        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, body);

        answer.ShouldBe(400, "malformed-body");
        answer.Error.ShouldContain(why);
        fixture.HuggingFace.Received.Count.ShouldBe(before);
    }

    [Fact]
    public async Task Bad_utf8_is_400() => (await AskAsync(TestGateway.Json([.. "{\"inputs\":\""u8, 0xC3, 0x28, .. "\"}"u8]))).ShouldBe(400, "malformed-body");

    [Fact]
    public async Task Nesting_to_32_levels_is_taken_and_one_more_is_400()
    {
        (await fixture.Gateway.GenerateAsync("a/b", Nested(32))).ErrorType.ShouldBe("model-not-offered"); // It went upstream, which does not know a/b.
        var refused = await fixture.Gateway.GenerateAsync("a/b", Nested(33));
        refused.ShouldBe(400, "malformed-body");
        refused.Error.ShouldContain("32 levels");

        static string Nested(int depth) => $$"""{"inputs":"a","x":{{new string('[', depth - 1)}}{{new string(']', depth - 1)}}}""";
    }

    [Fact]
    public async Task An_error_never_quotes_the_body()
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, """{"inputs":"a secret garden", oops}""");

        Encoding.UTF8.GetString(answer.Body).ShouldNotContain("garden");
        Encoding.UTF8.GetString(answer.Body).ShouldNotContain("oops");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("application/json; charset=iso-8859-1")]
    [InlineData("application/problem+json")]
    [InlineData("nonsense")]
    public async Task Other_media_types_are_415(string? type)
    {
        var content = TestGateway.Json(Good);
        content.Headers.Remove("Content-Type");
        if (type is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        (await AskAsync(content)).ShouldBe(415, "unsupported-media-type");
    }

    [Theory]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/json;charset=UTF-8")]
    [InlineData("Application/JSON")]
    [InlineData("application/json; charset=\"utf-8\"; x=y")]
    public async Task Upstream_sees_exactly_application_json(string type)
    {
        var content = TestGateway.Json(Good);
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", type);

        (await AskAsync(content)).ShouldBeAnImage();
        fixture.HuggingFace.Received[^1].Header("Content-Type").ShouldBe("application/json");
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("image/jpeg")]
    [InlineData("audio/webm;codecs=opus")]
    [InlineData("application/octet-stream")]
    public async Task Bytes_go_upstream_as_they_are(string type)
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.BlackImage); // Whatever the bytes are: the simulator's models want a prompt.
        byte[] bytes = [0xFF, 0xD8, 0x00, (byte)'{', 0x80];
        var content = TestGateway.Json(bytes);
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", type);

        var answer = await AskAsync(content);

        var seen = fixture.HuggingFace.Received[^1];
        seen.Body.ShouldBe(bytes);
        seen.Header("Content-Type").ShouldBe(type);
        seen.Header("Accept").ShouldBe("image/png");
        answer.ShouldBeAnImage();
    }

    [Fact]
    public async Task Bytes_that_are_none_are_400()
    {
        var content = TestGateway.Json([]);
        content.Headers.ContentType = new MediaTypeHeaderValue("image/png");

        (await AskAsync(content)).ShouldBe(400, "malformed-body");
    }

    [Fact]
    public async Task A_body_of_48_MiB_is_taken()
    {
        var body = $$$"""{"inputs":"a heron","parameters":{"note":"{{{new string('a', 48 * 1024 * 1024)}}}"}}""";

        (await fixture.Gateway.GenerateAsync("stabilityai/stable-diffusion-xl-base-1.0", body)).ShouldBeAnImage();
        fixture.HuggingFace.Received[^1].Body.Length.ShouldBe(body.Length);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_in_every_framing()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Limits:RequestBodyBytes=1000");
        var body = $$"""{"inputs":"{{new string('a', 2000)}}"}""";

        var announced = await gateway.GenerateAsync(TestGateway.Dev, body);
        announced.ShouldBe(413, "body-too-large");
        announced.Error.ShouldContain("1000 bytes");

        (await gateway.GenerateAsync(TestGateway.Dev, body, change: request => request.Headers.TransferEncodingChunked = true)).ShouldBe(413, "body-too-large");

        var bomb = CompressionTests.Compress("gzip", $$"""{"inputs":"{{new string('a', 200_000)}}"}""");
        bomb.Length.ShouldBeLessThan(1000);
        (await gateway.GenerateAsync(TestGateway.Dev, "", change: request =>
        {
            request.Content = TestGateway.Json(bomb);
            request.Content.Headers.ContentEncoding.Add("gzip");
        })).ShouldBe(413, "body-too-large");

        (await gateway.GenerateAsync(TestGateway.Dev, $$"""{"inputs":"{{new string('a', 987)}}"}""")).ShouldBeAnImage(); // 1000 bytes to the byte.
        huggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_routes_own_body_limit_holds_for_callers()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "ReverseProxy:Routes:models:MaxRequestBodySize=100");

        (await gateway.GenerateAsync(TestGateway.Dev, $$"""{"inputs":"{{new string('a', 200)}}"}""")).ShouldBe(413, "body-too-large");
        (await gateway.GenerateAsync(TestGateway.Dev, Good)).ShouldBeAnImage();
    }

    [Fact]
    public async Task A_chunked_body_goes_upstream_with_its_length()
    {
        (await fixture.Gateway.GenerateAsync(TestGateway.Dev, Good, change: request => request.Headers.TransferEncodingChunked = true)).ShouldBeAnImage();

        var seen = fixture.HuggingFace.Received[^1];
        seen.Header("Content-Length").ShouldBe($"{Good.Length}");
        seen.Header("Transfer-Encoding").ShouldBeNull();
    }

    private Task<Answer> AskAsync(ByteArrayContent content) =>
        fixture.Gateway.GenerateAsync("stabilityai/stable-diffusion-xl-base-1.0", "", change: request => request.Content = content);
}
