using System.Buffers;
using System.Buffers.Binary;
using Lumiku.Gateway.Generation.Images;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>A whole image is known as one; every piece of it that is less is not.</summary>
public class ImageInspectorTests
{
    [Theory]
    [InlineData("image/png")]
    [InlineData("image/jpeg")]
    [InlineData("image/webp")]
    public async Task A_whole_image_is_known_by_its_bytes_with_its_size_and_no_shorter_piece_of_it_is(string mediaType)
    {
        var image = await MakeAsync(mediaType);

        ImageInspector.Inspect(new(image)).ShouldBe(ImageFacts.Whole(mediaType, 640, 512));

        for (var length = 0; length < image.Length; length++)
        {
            var facts = ImageInspector.Inspect(new(image.AsMemory(0, length)));
            facts.MediaType.ShouldBeNull($"{length} of {image.Length} bytes");
            facts.Flaw.ShouldNotBeNullOrEmpty();
        }
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("image/jpeg")]
    [InlineData("image/webp")]
    public async Task How_the_bytes_arrived_in_pieces_makes_no_difference(string mediaType)
    {
        var image = await MakeAsync(mediaType);
        foreach (var size in new[] { 1, 2, 3, 7, 64, 1000, 65_536 })
        {
            var buffer = new ImageBuffer(limit: image.Length);
            foreach (var piece in image.Chunk(size))
            {
                buffer.Append(piece, expectedRest: size);
            }

            buffer.Content.ToArray().ShouldBe(image);
            ImageInspector.Inspect(buffer.Content).MediaType.ShouldBe(mediaType);
        }
    }

    [Theory]
    [InlineData("image/png")]
    [InlineData("image/jpeg")]
    [InlineData("image/webp")]
    public async Task Damaged_bytes_never_throw(string mediaType)
    {
        var image = await MakeAsync(mediaType);
        var random = new Random(20261122);
        for (var round = 0; round < 20_000; round++)
        {
            var damaged = image.AsSpan(0, Math.Min(image.Length, random.Next(1, 2000))).ToArray();
            for (var flips = random.Next(1, 8); flips > 0; flips--)
            {
                damaged[random.Next(Math.Min(damaged.Length, 200))] = (byte)random.Next(256);
            }

            ImageInspector.Inspect(new(damaged));
        }
    }

    [Fact]
    public async Task A_png_behind_whose_end_more_bytes_stand_is_whole()
    {
        byte[] image = [.. await MakeAsync("image/png"), 1, 2, 3];

        ImageInspector.Inspect(new(image)).MediaType.ShouldBe("image/png");
    }

    [Theory]
    [InlineData(0, 512)]
    [InlineData(640, 0)]
    [InlineData(-1, 512)]
    [InlineData(30_000, 30_000)]
    [InlineData(int.MaxValue, int.MaxValue)]
    public async Task A_png_of_impossible_size_is_none(int width, int height)
    {
        var image = await MakeAsync("image/png");
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(20), height);

        ImageInspector.Inspect(new(image)).MediaType.ShouldBeNull();
    }

    [Fact]
    public async Task A_progressive_jpeg_with_fill_bytes_restarts_and_two_scans_is_whole()
    {
        byte[] image =
        [
            0xFF, 0xD8, 0xFF, 0xFF, 0xFF, 0xE0, 0, 4, 1, 2, // Fill bytes before a marker.
            0xFF, 0xC2, 0, 11, 8, 0x02, 0x00, 0x02, 0x80, 1, 1, 0x11, 0,
            0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD3, 0x56, // A stuffed byte and a restart.
            0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0, 0x78,
            0xFF, 0xD9,
        ];

        ImageInspector.Inspect(new(image)).ShouldBe(ImageFacts.Whole("image/jpeg", 640, 512));
        ImageInspector.Inspect(new(image.AsMemory(0, image.Length - 2))).MediaType.ShouldBeNull();
        await Task.CompletedTask;
    }

    private static async Task<byte[]> MakeAsync(string mediaType)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(huggingFace.Address, "models/black-forest-labs/FLUX.1-dev"))
        {
            Content = Support.TestGateway.Json("""{"inputs":"a heron","parameters":{"width":640,"height":512}}"""),
        };
        request.Headers.Add("Authorization", "Bearer hf_x");
        request.Headers.Add("Accept", mediaType);
        using var answer = await client.SendAsync(request);
        return await answer.Content.ReadAsByteArrayAsync();
    }
}
