using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Dialects;

/// <summary>What is made of each kind of upstream's answers, whole, odd or hostile.</summary>
public class ReadingTests
{
    [Theory]
    [InlineData("""{"data":[{"b64_json":"cGl4ZWxz"}]}""", "image pixels")]
    [InlineData("""{"data":[{"b64_json":"data:image/png;base64,cGl4ZWxz"}]}""", "image pixels")]
    [InlineData("""{"data":[{"b64_json":"cGl4\nZWxz\n"}]}""", "image pixels")]
    [InlineData("""{"data":[{"b64_json":"Pz8\/"}]}""", "image ???")]
    [InlineData("""{"data":[{"url":"https://a.example/1.png"}]}""", "at https://a.example/1.png")]
    [InlineData("""{"data":[{"url":"data:image/png;base64,cGl4ZWxz"}]}""", "image pixels")]
    [InlineData("""{"data":[]}""", "flawed: it has no image ('data' is missing or empty)")]
    [InlineData("""{"data":null}""", "flawed: it has no image ('data' is missing or empty)")]
    [InlineData("""{"data":[{}]}""", "flawed: it has no image")]
    [InlineData("""{"data":[{"b64_json":"!!!!"}]}""", "flawed: it has an image that is no base64")]
    [InlineData("""{"data":[{"b64_json":"cGl4ZW"}]}""", "flawed: it has an image that is no base64")]
    [InlineData("""{"data":[{"b64_json":""}]}""", "flawed: it has an empty image")]
    [InlineData("""{"data":[{"b64_json":7,"url":8}]}""", "flawed: it has no image")]
    [InlineData("""[1]""", "flawed: it is no JSON")]
    [InlineData("""{"data":""", "flawed: it is no JSON")]
    [InlineData("", "flawed: it is no JSON")]
    public void OpenAIs(string answer, string outcome) => new DialectBench("\"Dialect\": \"openai-images\"").Read(answer).ShouldBe(outcome);

    [Theory]
    [InlineData(null, """{"status":"IN_QUEUE","response_url":"https://queue.fal.run/fal-ai/flux/requests/4f-2"}""", "later GET /fal-ai/flux/requests/4f-2/status?_subdomain=queue")]
    [InlineData(null, """{"status":"COMPLETED","response_url":"https://queue.fal.run/fal-ai/flux/requests/4f-2"}""", "now GET /fal-ai/flux/requests/4f-2?_subdomain=queue")]
    [InlineData(null, """{"status":"LOST","response_url":"https://queue.fal.run/fal-ai/flux/requests/4f-2"}""", "flawed: it has a status that no order in fal's queue has")]
    [InlineData(null, """{"status":"IN_QUEUE"}""", "flawed: it does not say where to ask for the image ('response_url')")]
    [InlineData(null, """{"status":"IN_QUEUE","response_url":"https://evil.example/requests/../../admin"}""", "flawed: it does not say where to ask for the image ('response_url')")]
    [InlineData(null, """{"status":"IN_QUEUE","response_url":"https://queue.fal.run/a/requests/%2e%2e"}""", "flawed: it does not say where to ask for the image ('response_url')")]
    [InlineData(null, """{"status":"IN_QUEUE","response_url":"file:///etc/requests/1"}""", "later GET /etc/requests/1/status?_subdomain=queue")] // Its path alone counts, at the upstream's own address.
    [InlineData("/a/requests/1/status", """{"status":"IN_PROGRESS"}""", "later GET /a/requests/1/status?_subdomain=queue")]
    [InlineData("/a/requests/1/status", """{"status":"COMPLETED"}""", "now GET /a/requests/1?_subdomain=queue")]
    [InlineData("/a/requests/1", """{"images":[{"url":"https://v3.fal.media/1.png"}]}""", "at https://v3.fal.media/1.png")]
    [InlineData("/a/requests/1", """{"image":{"url":"https://v3.fal.media/1.png"}}""", "at https://v3.fal.media/1.png")]
    [InlineData("/a/requests/1", """{"images":[{"url":"data:image/png;base64,cGl4ZWxz"}],"has_nsfw_concepts":[false]}""", "image pixels")]
    [InlineData("/a/requests/1", """{"images":[{"url":"https://v3.fal.media/black.png"}],"has_nsfw_concepts":[true]}""", "failed 422 NSFW content was found in the image.")]
    [InlineData("/a/requests/1", """{"images":[]}""", "flawed: it has no image ('images' is missing or empty)")]
    [InlineData("/a/requests/1", """{"images":[{"url":""}]}""", "flawed: it has an empty address in place of the image")]
    public void Fals(string? asked, string answer, string outcome) => new DialectBench("\"Dialect\": \"fal-ai\"").Read(answer, asked).ShouldBe(outcome);

    [Fact]
    public void Fals_without_its_queue() =>
        new DialectBench("\"Dialect\": \"fal-ai\", \"Queue\": false").Read("""{"images":[{"url":"data:image/jpeg;base64,cGl4ZWxz"}]}""").ShouldBe("image pixels");

    [Theory]
    [InlineData(null, """{"status":"succeeded","output":["https://replicate.delivery/1.png","https://replicate.delivery/2.png"]}""", "at https://replicate.delivery/1.png")]
    [InlineData(null, """{"status":"succeeded","output":"https://replicate.delivery/1.png"}""", "at https://replicate.delivery/1.png")]
    [InlineData(null, """{"output":"https://replicate.delivery/1.png"}""", "at https://replicate.delivery/1.png")]
    [InlineData(null, """{"status":"succeeded","output":null}""", "flawed: it has no image ('output' is missing or empty)")]
    [InlineData(null, """{"status":"succeeded","output":[]}""", "flawed: it has no image ('output' is missing or empty)")]
    [InlineData(null, """{"status":"starting","output":null,"urls":{"get":"https://api.replicate.com/v1/predictions/abc"}}""", "later GET /v1/predictions/abc")]
    [InlineData(null, """{"status":"processing","urls":{"get":"https://api.replicate.com/v1/predictions/abc/cancel"}}""", "flawed: it does not say where to ask for the image ('urls.get')")]
    [InlineData(null, """{"status":"processing","urls":{"get":"https://evil.example/v1/accounts"}}""", "flawed: it does not say where to ask for the image ('urls.get')")]
    [InlineData(null, """{"status":"processing"}""", "flawed: it does not say where to ask for the image ('urls.get')")]
    [InlineData("/v1/predictions/abc", """{"status":"processing"}""", "later GET /v1/predictions/abc")]
    [InlineData("/v1/predictions/abc", """{"status":"failed","error":"CUDA out of memory"}""", "failed 500 CUDA out of memory")]
    [InlineData("/v1/predictions/abc", """{"status":"failed","error":null}""", "failed 500 ")]
    [InlineData("/v1/predictions/abc", """{"status":"canceled"}""", "failed 500 The prediction was cancelled.")]
    public void Replicates(string? asked, string answer, string outcome) => new DialectBench("\"Dialect\": \"replicate\"").Read(answer, asked).ShouldBe(outcome);

    [Theory]
    [InlineData(null, """{"code":200,"data":{"status":"created","urls":{"get":"https://api.wavespeed.ai/api/v3/predictions/abc/result"}}}""", "later GET /api/v3/predictions/abc/result")]
    [InlineData(null, """{"code":200,"data":{"status":"completed","outputs":["https://cdn.example/1.png"]}}""", "at https://cdn.example/1.png")]
    [InlineData(null, """{"code":200,"data":{"status":"created","urls":{"get":"https://api.wavespeed.ai/api/v3/balance"}}}""", "flawed: it does not say where to ask for the image ('urls.get')")]
    [InlineData(null, """{"code":401,"message":"invalid key"}""", "failed 401 invalid key")]
    [InlineData(null, """{"code":7,"message":"odd"}""", "failed 500 odd")]
    [InlineData(null, """{"code":200}""", "flawed: it has no task ('data' is missing)")]
    [InlineData("/api/v3/predictions/abc/result", """{"code":200,"data":{"status":"processing"}}""", "later GET /api/v3/predictions/abc/result")]
    [InlineData("/api/v3/predictions/abc/result", """{"code":503,"message":"busy"}""", "asked in vain 503 busy")]
    [InlineData("/api/v3/predictions/abc/result", """{"code":7,"message":"odd"}""", "asked in vain 500 odd")]
    [InlineData("/api/v3/predictions/abc/result", """{"code":500,"message":"","data":{"status":"failed","error":"NSFW"}}""", "failed 500 NSFW")]
    [InlineData("/api/v3/predictions/abc/result", """{"code":200,"data":{"status":"completed","outputs":[]}}""", "flawed: it has no image ('outputs' is missing or empty)")]
    [InlineData("/api/v3/predictions/abc/result", """{"code":200,"data":{"status":"failed","error":"NSFW"}}""", "failed 500 NSFW")]
    public void WaveSpeeds(string? asked, string answer, string outcome) => new DialectBench("\"Dialect\": \"wavespeed\"").Read(answer, asked).ShouldBe(outcome);

    [Fact]
    public void A_large_image_in_base64_arrives_byte_for_byte_and_one_that_is_too_large_not_at_all()
    {
        var image = new string('x', 700_001);
        var bench = new DialectBench("\"Dialect\": \"openai-images\"");

        bench.Read($$"""{"data":[{"b64_json":"{{Base64(image)}}"}]}""").ShouldBe($"image {image}");
        bench.Read($$"""{"data":[{"b64_json":"{{Base64(new string('x', 1_000_001))}}"}]}""").ShouldBe("flawed: it has an image of more than 1000000 bytes (Limits:ImageBytes)");
    }

    private static string Base64(string text) => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(text));
}
