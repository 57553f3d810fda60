using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.InferenceRequests;

public class CompressionTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string Good = """{"inputs":"a heron"}""";

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task A_compressed_body_is_decoded(string coding)
    {
        var content = TestGateway.Json(Compress(coding, Good));
        content.Headers.ContentEncoding.Add(coding);

        (await AskAsync(content)).ShouldBeAnImage();
        var seen = fixture.HuggingFace.Received[^1];
        seen.Header("Content-Encoding").ShouldBeNull();
        Encoding.UTF8.GetString(seen.Body).ShouldBe(Good);
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("compress")]
    [InlineData("gzip, br")]
    public async Task Other_codings_are_415(string coding)
    {
        var content = TestGateway.Json(Good);
        content.Headers.TryAddWithoutValidation("Content-Encoding", coding);

        (await AskAsync(content)).ShouldBe(415, "unsupported-media-type");
    }

    [Fact]
    public async Task A_compressed_body_that_does_not_decode_is_400()
    {
        foreach (var coding in new[] { "gzip", "br", "deflate" })
        {
            var content = TestGateway.Json(Good);
            content.Headers.ContentEncoding.Add(coding);
            (await AskAsync(content)).ShouldBe(400, "malformed-body");

            var cut = TestGateway.Json(Compress(coding, Good)[..^14]);
            cut.Headers.ContentEncoding.Add(coding);
            (await AskAsync(cut)).ShouldBe(400, "malformed-body");
        }
    }

    [Fact]
    public async Task Compressed_bytes_are_415_as_nobody_could_tell_whether_they_are_whole()
    {
        var content = TestGateway.Json(Compress("gzip", "picture"));
        content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        content.Headers.ContentEncoding.Add("gzip");

        (await AskAsync(content)).ShouldBe(415, "unsupported-media-type");
    }

    internal static byte[] Compress(string coding, string text)
    {
        using var compressed = new MemoryStream();
        using (Stream encoder = coding switch
        {
            "gzip" => new GZipStream(compressed, CompressionLevel.Optimal),
            "br" => new BrotliStream(compressed, CompressionLevel.Optimal),
            _ => new ZLibStream(compressed, CompressionLevel.Optimal),
        })
        {
            encoder.Write(Encoding.UTF8.GetBytes(text));
        }

        return compressed.ToArray();
    }

    private Task<Answer> AskAsync(ByteArrayContent content) =>
        fixture.Gateway.GenerateAsync("stabilityai/stable-diffusion-xl-base-1.0", "", change: request => request.Content = content);
}
