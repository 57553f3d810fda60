using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests;

/// <summary>What the gateway is there for.</summary>
public class MainJobTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string AxiosAccept = "application/json, text/plain, */*";

    /// <summary>As the backend's FLUX service sends it.</summary>
    private const string FluxBody = """
        {"inputs":"a lighthouse at dusk","parameters":{"width":1024,"height":1024,"num_inference_steps":30,"guidance_scale":3.5,"negative_prompt":"blurry","seed":7}}
        """;

    [Fact]
    public async Task A_request_exactly_as_axios_sends_it_returns_a_png()
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, FluxBody, "pro", AsAxios);

        answer.ShouldBeAnImage();
        fixture.HuggingFace.Received[^1].Header("Accept").ShouldBe("image/png");
    }

    [Fact]
    public async Task The_same_request_straight_to_upstream_is_refused()
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(fixture.HuggingFace.Address, $"models/{TestGateway.Dev}")) { Content = TestGateway.Json(FluxBody) };
        AsAxios(request);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.UpstreamToken);

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        ((int)answer.StatusCode).ShouldBe(400);
    }

    [Fact]
    public async Task Upstream_sees_the_token_and_nothing_of_the_callers_headers()
    {
        await fixture.Gateway.GenerateAsync(TestGateway.Dev, FluxBody, "pro", request =>
        {
            AsAxios(request);
            request.Headers.Add("Cookie", "session=secret");
            request.Headers.Add("X-HF-Bill-To", "somebody-else");
            request.Headers.Add("X-Forwarded-For", "203.0.113.9");
            request.Headers.Add("baggage", "user=42");
            request.Headers.Add("tracestate", "vendor=1");
            request.Headers.Add("X-Use-Cache", "false");
            request.Headers.Add("X-Wait-For-Model", "true");
            request.Headers.Add("Expect", "100-continue");
            request.Headers.Add("X-Anything", "else");
        });

        var seen = fixture.HuggingFace.Received[^1];
        seen.Header("Authorization").ShouldBe($"Bearer {TestGateway.UpstreamToken}");
        seen.Header("User-Agent")!.ShouldStartWith("lumiku-gateway/");
        seen.Headers.Keys.Order(StringComparer.OrdinalIgnoreCase).Select(name => name.ToLowerInvariant())
            .ShouldBe(["accept", "authorization", "content-length", "content-type", "host", "traceparent", "user-agent"]);
    }

    [Theory]
    [InlineData("free")]
    [InlineData("basic")]
    [InlineData("payg")]
    [InlineData("FREE")]
    public async Task A_tier_without_PRO_gets_schnell_for_dev_with_what_schnell_takes(string tier)
    {
        var answer = await fixture.Gateway.GenerateAsync(
            TestGateway.Dev,
            """{"inputs":"a heron","parameters":{"num_inference_steps":30,"guidance_scale":3.5,"negative_prompt":"x","lora":"a/b","lora_scale":0.8,"scheduler":"Euler","max_sequence_length":512,"width":1000,"seed":9007199254740993}}""",
            tier);

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Requested").ShouldBe(TestGateway.Dev);
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
        answer.Header("X-Lumiku-Substitution").ShouldBe("entitlement");
        var seen = fixture.HuggingFace.Received[^1];
        seen.Path.ShouldBe($"/hf-inference/models/{TestGateway.Schnell}");
        System.Text.Encoding.UTF8.GetString(seen.Body).ShouldBe(
            """{"inputs":"a heron","parameters":{"max_sequence_length":256,"num_inference_steps":4,"seed":9007199254740993,"width":992}}""");
    }

    [Theory]
    [InlineData("pro")]
    [InlineData("enterprise")]
    [InlineData("internal")]
    [InlineData(null)] // The backend's own tier is internal.
    public async Task A_tier_with_PRO_gets_dev(string? tier)
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, FluxBody, tier);

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Dev);
        answer.Header("X-Lumiku-Substitution").ShouldBe("");
        var seen = fixture.HuggingFace.Received[^1];
        seen.Model.ShouldBe(TestGateway.Dev);
        seen.Parameters.GetProperty("num_inference_steps").GetInt32().ShouldBe(30);
        seen.Parameters.GetProperty("guidance_scale").GetRawText().ShouldBe("3.5");
    }

    [Fact]
    public async Task The_ETag_is_that_of_the_bytes()
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, FluxBody);

        answer.Header("ETag").ShouldBe($"\"{Convert.ToHexStringLower(System.IO.Hashing.XxHash128.Hash(answer.Body))}\"");
        // A POST is not answered 304, whatever the caller has.
        (await fixture.Gateway.GenerateAsync(TestGateway.Dev, FluxBody, change: request => request.Headers.TryAddWithoutValidation("If-None-Match", answer.Header("ETag")))).ShouldBeAnImage();
    }

    [Fact]
    public async Task Of_upstreams_headers_only_the_known_ones_come_back()
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, FluxBody);

        answer.Headers.Keys.Select(name => name.ToLowerInvariant()).Order(StringComparer.Ordinal).ShouldBe(
        [
            "cache-status", "content-length", "content-type", "date", "etag", "server-timing", "x-cache", "x-compute-time", "x-compute-type", "x-content-type-options",
            "x-inference-id", "x-lumiku-model-requested", "x-lumiku-model-served", "x-lumiku-units", "x-lumiku-upstream", "x-request-id",
        ]);
    }

    [Theory]
    [InlineData("black-forest-labs/FLUX.1-dev", """{"inputs":"a comet","parameters":{"width":1000,"height":1000}}""")]
    [InlineData("black-forest-labs/FLUX.1-schnell", """{"inputs":"a comet","parameters":{"width":1000,"height":1000,"guidance_scale":0}}""")]
    [InlineData("stabilityai/stable-diffusion-xl-base-1.0", """{"inputs":"a comet","parameters":{"width":1023,"num_inference_steps":50}}""")]
    [InlineData("stabilityai/stable-diffusion-3-medium-diffusers", """{"inputs":"a comet","parameters":{"width":1000,"max_sequence_length":1024}}""")]
    [InlineData("lllyasviel/control_v11p_sd15_openpose", """{"inputs":"a dancer","parameters":{"image":"aGVsbG8=","width":513}}""")]
    [InlineData("thibaud/controlnet-openpose-sdxl-1.0", """{"inputs":"a dancer","parameters":{"image":"aGVsbG8=","width":1023}}""")]
    [InlineData("runwayml/stable-diffusion-inpainting", """{"inputs":{"prompt":"a hat","image":"aGVsbG8=","mask_image":"aGVsbG8="},"parameters":{"strength":1.5}}""")]
    [InlineData("TencentARC/PhotoMaker-V2", """{"inputs":{"prompt":"a man img","input_id_images":["aGVsbG8="]},"parameters":{"num_inference_steps":500}}""")]
    public async Task Every_model_of_the_shipped_catalog_makes_an_image_out_of_parameters_it_would_refuse(string model, string body)
    {
        var answer = await fixture.Gateway.GenerateAsync(model, body);

        answer.ShouldBeAnImage();
    }

    private static void AsAxios(HttpRequestMessage request)
    {
        request.Headers.TryAddWithoutValidation("Accept", AxiosAccept);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip, compress, deflate, br");
        request.Headers.TryAddWithoutValidation("User-Agent", "axios/1.12.2");
    }
}
