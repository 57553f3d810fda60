using System.Net;
using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ReverseProxy;

/// <summary>What is no generation streams through, under the same rules of identity and headers.</summary>
public class PassThroughTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string Rmbg = "briaai/RMBG-1.4";

    [Fact]
    public async Task A_look_at_a_model_is_passed_through_with_the_catalogs_spelling()
    {
        var answer = await LookAsync(HttpMethod.Get, "/models/black-forest-labs/flux.1-DEV/?expand=x");

        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Headers["Content-Type"].ShouldBe("application/json");
        answer.Headers.Keys.ShouldNotContain("Set-Cookie", StringComparer.OrdinalIgnoreCase);
        answer.Headers.Keys.ShouldNotContain("Server", StringComparer.OrdinalIgnoreCase);
        var seen = fixture.HuggingFace.Received[^1];
        seen.Method.ShouldBe("GET");
        seen.Path.ShouldBe($"/hf-inference/models/{TestGateway.Dev}"); // No entitlement is asked for, and no query goes along.
        seen.Header("Authorization").ShouldBe($"Bearer {TestGateway.UpstreamToken}");
        seen.Headers.Keys.Select(name => name.ToLowerInvariant()).Order(StringComparer.Ordinal).ShouldBe(["authorization", "host", "traceparent", "user-agent"]);
    }

    [Fact]
    public async Task HEAD_is_passed_through_too()
    {
        var answer = await LookAsync(HttpMethod.Head, $"/models/{TestGateway.Dev}");

        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Body.ShouldBeEmpty();
        fixture.HuggingFace.Received[^1].Method.ShouldBe("HEAD");
    }

    [Fact]
    public async Task A_look_without_a_key_is_401() =>
        (await fixture.Gateway.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/models/{TestGateway.Dev}"))).ShouldBe(401, "unauthenticated");

    [Theory]
    [InlineData("invalid-login", 502, "upstream-account")]
    [InlineData("credits-exceeded", 502, "upstream-account")]
    [InlineData("token-scope", 502, "upstream-account")]
    [InlineData("unavailable-html", 504, "upstream-overloaded")]
    [InlineData("not-found", 404, "model-not-offered")]
    [InlineData("deprecated", 404, "model-not-offered")]
    [InlineData("redirect-302", 502, "upstream-failed")]
    [InlineData("switch-protocols-101", 502, "upstream-failed")]
    [InlineData("status(999)", 502, "upstream-failed")]
    [InlineData("body-on-204", 502, "upstream-failed")]
    [InlineData("bad-chunk-size", 502, "upstream-failed")]
    [InlineData("content-length-and-chunked", 502, "upstream-failed")]
    [InlineData("reset-before-headers", 502, "upstream-failed")]
    [InlineData("echo-in-html-500", 502, "upstream-failed")]
    public async Task A_failed_look_is_told_in_our_shape_and_never_as_503(string kind, int status, string type)
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.Parse(kind));

        var answer = await LookAsync(HttpMethod.Get, $"/models/{TestGateway.Dev}");

        answer.ShouldBe(status, type);
        System.Text.Encoding.UTF8.GetString(answer.Body).ShouldNotContain(TestGateway.UpstreamToken);
        // Bytes that belong to no answer may still be under way on the connection; they are not the next test's affair.
        await Eventually.BeAsync(async () => (await LookAsync(HttpMethod.Get, $"/models/{TestGateway.Dev}")).Status == HttpStatusCode.OK, "all is well again");
    }

    [Fact]
    public async Task A_model_that_answers_json_gets_the_callers_accept_and_its_answer_streams()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, $"Models:Catalog:{Rmbg}:Output=Json");
        byte[] picture = [0x89, 0x50, 0x4E, 0x47];

        var answer = await gateway.GenerateAsync(Rmbg, "", change: request =>
        {
            request.Headers.TryAddWithoutValidation("Accept", "application/json");
            request.Content = new ByteArrayContent(picture);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        });

        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Headers["Content-Type"].ShouldBe("application/json");
        answer.Header("X-Lumiku-Model-Served").ShouldBe(Rmbg);
        huggingFace.Received[0].Header("Accept").ShouldBe("application/json");
        huggingFace.Received[0].Header("Content-Type").ShouldBe("application/octet-stream");
        huggingFace.Received[0].Body.ShouldBe(picture);
        huggingFace.Received[0].Header("X-Lumiku-Tier").ShouldBeNull();
    }

    [Fact]
    public async Task Json_to_a_model_that_answers_json_is_checked_and_written_anew()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, $"Models:Catalog:{Rmbg}:Output=Json");

        (await gateway.GenerateAsync(Rmbg, """{"inputs":"a","inputs":"b"}""")).ShouldBe(400, "malformed-body");
        await gateway.GenerateAsync(Rmbg, """{ "parameters": {}, "inputs": "aGVsbG8=" }""");

        System.Text.Encoding.UTF8.GetString(huggingFace.Received[0].Body).ShouldBe("""{"inputs":"aGVsbG8=","parameters":{}}""");
        huggingFace.Received[0].Header("Content-Length").ShouldBe($"{huggingFace.Received[0].Body.Length}");
    }

    [Fact]
    public async Task A_look_takes_no_body_of_the_callers_along()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/models/{TestGateway.Dev}") { Content = new StringContent("CALLERBODY") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);

        (await fixture.Gateway.SendAsync(request)).Status.ShouldBe(HttpStatusCode.OK);

        fixture.HuggingFace.Received[^1].Body.ShouldBeEmpty();
        fixture.HuggingFace.Received[^1].Header("Content-Type").ShouldBeNull();
    }

    [Fact]
    public async Task A_silent_upstream_ends_at_the_deadline()
    {
        var time = new ManualTime();
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, time, $"Models:Catalog:{Rmbg}:Output=Json", "Generation:Deadline=00:01:00");
        huggingFace.Behave("*", Misbehaviour.StallBeforeHeaders);

        var asking = gateway.GenerateAsync(Rmbg, """{"inputs":"aGVsbG8="}""");
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");
        time.Advance(TimeSpan.FromMinutes(1));

        var answer = await asking;
        answer.ShouldBe(504, "upstream-timeout");
        answer.Header("X-Lumiku-Model-Served").ShouldBe(Rmbg);
    }

    [Fact]
    public void A_header_that_holds_a_token_is_not_shown()
    {
        using var upstream = new HttpResponseMessage();
        upstream.Headers.TryAddWithoutValidation("x-inference-id", $"Bearer {TestGateway.UpstreamToken}");
        upstream.Headers.TryAddWithoutValidation("x-compute-type", "gpu+optimized");
        var shown = new Microsoft.AspNetCore.Http.HeaderDictionary();

        Gateway.ReverseProxy.HeaderAllowLists.Copy(
            upstream.Headers, shown, ["x-inference-id", "x-compute-type"], fixture.Gateway.Services.GetRequiredService<Gateway.Settings.CurrentSettings>().Value);

        shown.Keys.ShouldBe(["x-compute-type"]);
    }

    private async Task<Answer> LookAsync(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        request.Headers.Add("Cookie", "session=secret");
        request.Headers.TryAddWithoutValidation("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        request.Headers.TryAddWithoutValidation("tracestate", "vendor=secret");
        request.Headers.TryAddWithoutValidation("baggage", "user=42");
        return await fixture.Gateway.SendAsync(request);
    }
}
