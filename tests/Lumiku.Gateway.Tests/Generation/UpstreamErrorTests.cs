using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Whatever upstream does, a caller gets a whole image or an error that says what to do; never a 503, never half a picture.</summary>
public sealed class UpstreamErrorTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>, IDisposable
{
    private const string Body = """{"inputs":"a heron","parameters":{"seed":1}}""";

    /// <summary>Every kind of the simulator, and what the caller gets for it. “image” is a whole one.</summary>
    public static TheoryData<string, int, string> Outcomes => new()
    {
        { "accept-not-supported", 422, "upstream-refused" },
        { "unsupported-by-provider", 404, "model-not-offered" },
        { "not-supported-by-any-provider", 404, "model-not-offered" },
        { "unknown-parameter", 422, "parameter-refused" },
        { "unexpected-keyword", 422, "parameter-refused" },
        { "multiple-values", 422, "parameter-refused" },
        { "missing-inputs", 422, "upstream-refused" },
        { "error-array", 422, "parameter-refused" },
        { "warnings", 422, "upstream-refused" },
        { "not-found", 404, "model-not-offered" },
        { "not-found-json", 404, "model-not-offered" },
        { "deprecated", 404, "model-not-offered" },
        { "legacy-host-gone", 404, "model-not-offered" },
        { "legacy-host-gone-later", 404, "model-not-offered" },
        { "body-too-large", 422, "upstream-refused" },
        { "too-large-to-load", 404, "model-not-offered" },
        { "token-seems-invalid", 502, "upstream-account" },
        { "invalid-login", 502, "upstream-account" },
        { "invalid-token", 502, "upstream-account" },
        { "credits-exceeded", 502, "upstream-account" },
        { "credits-depleted", 502, "upstream-account" },
        { "credits-object", 502, "upstream-account" },
        { "pay-as-you-go", 502, "upstream-account" },
        { "token-scope", 502, "upstream-account" },
        { "pro-required", 502, "upstream-account" },
        { "pro-required-400", 502, "upstream-account" },
        { "rate-limited", 429, "upstream-rate-limited" },
        { "rate-limited-retry-after", 429, "upstream-rate-limited" },
        { "cuda-out-of-memory", 504, "upstream-overloaded" },
        { "cuda-out-of-memory-500", 504, "upstream-overloaded" },
        { "too-busy", 504, "upstream-overloaded" },
        { "loading", 504, "model-loading" },
        { "loading-200", 504, "model-loading" },
        { "overload", 504, "upstream-overloaded" },
        { "unavailable-html", 504, "upstream-overloaded" },
        { "gateway-timeout", 504, "upstream-timeout" },
    };

    public static IEnumerable<TheoryDataRow<string>> Kinds => Misbehaviour.Kinds
        .Where(kind => !kind.Name.StartsWith("stall", StringComparison.Ordinal)) // These have a test with a clock.
        .Select(kind => new TheoryDataRow<string>(kind.Example));

    public void Dispose() => fixture.HuggingFace.BehaveWell();

    [Theory]
    [MemberData(nameof(Outcomes))]
    public async Task An_error_of_the_catalogue_that_stays_is_told_in_the_callers_terms(string kind, int status, string type)
    {
        await using var gateway = await StartAsync();
        fixture.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));

        var answer = await gateway.GenerateAsync(TestGateway.Sd3, Body);

        answer.ShouldBe(status, type);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Every_misbehaviour_ends_in_a_whole_image_or_a_clear_error_and_no_error_is_kept(string kind)
    {
        await using var gateway = await StartAsync("Generation:FailureMemory=00:00:00");
        var cache = gateway.Services.GetRequiredService<ImageCache>();
        fixture.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));

        var answer = await gateway.GenerateAsync(TestGateway.Sd3, Body);

        var outcome = answer.Status == System.Net.HttpStatusCode.OK ? answer.Header("Content-Type") : $"{(int)answer.Status} {answer.ErrorType}";
        Figures.Add("misbehaviour", $"{kind,-40} {outcome}");
        ((int)answer.Status).ShouldNotBe(503);
        if (answer.Status == System.Net.HttpStatusCode.OK)
        {
            answer.ShouldBeAnImage(answer.Header("Content-Type"));
        }

        // Nothing of what upstream sent besides gets through.
        answer.Headers.Keys.ShouldNotContain(name => name.StartsWith("x-echo", StringComparison.OrdinalIgnoreCase));
        answer.Headers.Keys.ShouldNotContain("Set-Cookie", StringComparer.OrdinalIgnoreCase);
        answer.Headers.Keys.ShouldNotContain("Location", StringComparer.OrdinalIgnoreCase);
        System.Text.Encoding.Latin1.GetString(answer.Body).ShouldNotContain(TestGateway.UpstreamToken);

        // Only whole images are kept, and the next request is none the worse; or, where bytes that belong to no answer are still under way
        // on the connection, the one after. Another model, as this one may still be waited for.
        cache.Count.ShouldBe(answer.Status == System.Net.HttpStatusCode.OK ? 1 : 0);
        await Eventually.BeAsync(async () => (await gateway.GenerateAsync(TestGateway.Schnell, Body)).Status == System.Net.HttpStatusCode.OK, "all is well again");
    }

    [Theory]
    [InlineData("empty-200")]
    [InlineData("empty-200-png")]
    [InlineData("no-content-204")]
    [InlineData("accepted-202")]
    [InlineData("partial-206")]
    [InlineData("html-200")]
    [InlineData("html-as-png")]
    [InlineData("json-200")]
    [InlineData("json-as-png")]
    [InlineData("base64-json-200")]
    [InlineData("png-without-end")]
    [InlineData("png-bad-header")]
    [InlineData("png-bad-signature")]
    [InlineData("png-huge-dimensions")]
    [InlineData("png-zero-dimensions")]
    [InlineData("jpeg-truncated")]
    [InlineData("webp-truncated")]
    [InlineData("cut-close-delimited(1000)")]
    [InlineData("gzip-real")]
    [InlineData("status(299)")]
    [InlineData("oversized")]
    [InlineData("oversized-with-length")]
    public async Task A_success_without_a_whole_image_is_502_not_an_image(string kind)
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.Parse(kind));

        (await fixture.Gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBe(502, "not-an-image");
    }

    [Theory]
    [InlineData("reset-before-headers")]
    [InlineData("close-before-headers")]
    [InlineData("cut-with-length(1000)")]
    [InlineData("cut-chunked(1000)")]
    [InlineData("tls-bytes")]
    [InlineData("garbage-status-line")]
    [InlineData("huge-header")]
    [InlineData("redirect-302")]
    [InlineData("redirect-307")]
    [InlineData("switch-protocols-101")]
    [InlineData("status(999)")]
    [InlineData("bad-gateway")]
    [InlineData("empty-500")]
    public async Task A_broken_exchange_is_502_upstream_failed(string kind)
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.Parse(kind));
        var before = fixture.HuggingFace.Received.Count;

        (await fixture.Gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBe(502, "upstream-failed");

        fixture.HuggingFace.Received.Count.ShouldBe(before + 1, "the model may have run: a broken exchange is not repeated, a redirect not followed");
    }

    [Fact]
    public async Task A_page_of_upstreams_is_told_beside_the_sentence_and_not_in_it()
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.BadGateway);

        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Sd3, Body);

        answer.Error.ShouldBe($"Upstream failed for '{TestGateway.Sd3}' with status 502.");
        answer.Json.GetProperty("upstream").GetProperty("error").GetString()!.ShouldContain("<html>");
    }

    [Theory]
    [InlineData("wrong-type(text/html)", "image/png")]
    [InlineData("octet-stream", "image/png")]
    [InlineData("no-content-type", "image/png")]
    [InlineData("ignore-accept-jpeg", "image/jpeg")]
    [InlineData("ignore-accept-webp", "image/webp")]
    [InlineData("chunked-whole", "image/png")]
    [InlineData("close-delimited-whole", "image/png")]
    [InlineData("early-hints-103", "image/png")]
    [InlineData("png-trailing-bytes", "image/png")]
    [InlineData("gzip-labelled", "image/png")]
    public async Task A_whole_image_is_served_by_its_bytes_whatever_its_label(string kind, string mediaType)
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.Parse(kind));

        (await fixture.Gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBeAnImage(mediaType);
    }

    [Fact]
    public async Task What_upstream_said_is_told_with_its_status_and_without_the_token()
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.EchoInError);

        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Sd3, Body);

        var upstream = answer.Json.GetProperty("upstream");
        upstream.GetProperty("status").GetInt32().ShouldBe(400);
        upstream.GetProperty("error").GetString()!.ShouldContain("***");
        upstream.GetProperty("error").GetString()!.Length.ShouldBeLessThanOrEqualTo(500);
    }

    [Fact]
    public async Task A_refused_parameter_is_named()
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.UnexpectedKeyword("sampler"));

        (await fixture.Gateway.GenerateAsync(TestGateway.Sd3, Body)).Error.ShouldContain("unexpected keyword argument 'sampler'");
    }

    [Theory]
    [InlineData("loading(37)", "37")]
    [InlineData("loading-200(12)", "12")]
    [InlineData("rate-limited-retry-after(9)", "9")]
    [InlineData("rate-limited", "60")]
    public async Task Retry_after_is_upstreams_own_where_it_gave_one(string kind, string seconds)
    {
        await using var gateway = await StartAsync();
        fixture.HuggingFace.BehaveNext(Misbehaviour.Parse(kind));

        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).Header("Retry-After").ShouldBe(seconds);
    }

    [Theory]
    [InlineData("90000", 90_000)]
    [InlineData("Sun, 22 Nov 2026 12:02:00 GMT", 120)]
    [InlineData("Sun, 22 Nov 2026 11:00:00 GMT", 60)] // Gone by: as if it had said nothing.
    [InlineData("soon", 60)]
    public void Retry_after_may_be_a_date_or_a_day_away(string retryAfter, int seconds)
    {
        var headers = new Microsoft.AspNetCore.Http.HeaderDictionary { ["Retry-After"] = retryAfter, ["Date"] = "Sun, 22 Nov 2026 12:00:00 GMT" };
        var answer = new UpstreamAnswer(429, headers, default, null, Yarp.ReverseProxy.Forwarder.ForwarderError.None, IsTooLarge: false);

        var failure = UpstreamAnswerReader.FailureOf(answer, fixture.Gateway.Services.GetRequiredService<Gateway.Settings.CurrentSettings>().Value, "", dialects: []);

        failure.ToProblem("a/b").RetryAfter.ShouldBe(TimeSpan.FromSeconds(seconds));
    }

    [Fact]
    public async Task An_upstream_that_is_not_there_is_502()
    {
        await using var gateway = await TestGateway.StartAsync(
            fixture.HuggingFace, $"ReverseProxy:Clusters:huggingface:Destinations:primary:Address=http://127.0.0.1:{RedisServer.FreePort()}/");

        var answer = await gateway.GenerateAsync(TestGateway.Sd3, Body);

        answer.ShouldBe(502, "upstream-failed");
        answer.Header("Retry-After").ShouldNotBeEmpty();
    }

    /// <summary>A gateway that knows of no trouble yet, and waits for none for long.</summary>
    private Task<TestGateway> StartAsync(params string[] settings) =>
        TestGateway.StartAsync(fixture.HuggingFace, [$"Models:Catalog:{TestGateway.Sd3}:WaitLimit=00:00:05", .. settings]);
}
