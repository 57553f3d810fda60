using System.IO.Compression;

using Lumiku.HuggingFace.Simulator.Pictures;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Good pictures with wrong or missing labels.</summary>
internal static class Labels
{
    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("wrong-type", "A good PNG under that Content-Type.", (exchange, arguments) => LabelAsync(exchange, arguments.Text(0)), Parameter.Text("image/jpeg")),
        Kind("octet-stream", "A good PNG as application/octet-stream.", (exchange, _) => LabelAsync(exchange, "application/octet-stream")),
        Kind("no-content-type", "A good PNG without a Content-Type.", (exchange, _) => LabelAsync(exchange, null)),
        Kind("ignore-accept-jpeg", "A JPEG, labelled so, whatever Accept says.", (exchange, _) => PaintAsync(exchange, Picture.Jpeg)),
        Kind("ignore-accept-webp", "A WebP, labelled so, whatever Accept says.", (exchange, _) => PaintAsync(exchange, Picture.Webp)),
        Kind("gzip-real", "A good picture, compressed with gzip unasked, and labelled so.", CompressAsync),
        Kind("gzip-labelled", "A good picture that claims to be compressed with gzip and is not.", MislabelAsync),
    ];

    private static async Task LabelAsync(Exchange exchange, string? type)
    {
        var picture = await exchange.RenderAsync(Picture.Png);
        await exchange.AnswerAsync(StatusCodes.Status200OK, type, picture.Bytes);
    }

    private static async Task PaintAsync(Exchange exchange, string type) =>
        await exchange.AnswerPictureAsync(await exchange.RenderAsync(type));

    private static async Task CompressAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(picture.Bytes);
        }

        exchange.Context.Response.Headers.ContentEncoding = "gzip";
        await exchange.AnswerPictureAsync(picture with { Bytes = compressed.ToArray() });
    }

    private static async Task MislabelAsync(Exchange exchange, Arguments arguments)
    {
        exchange.Context.Response.Headers.ContentEncoding = "gzip";
        await exchange.AnswerPictureAsync(await exchange.RenderAsync());
    }
}
