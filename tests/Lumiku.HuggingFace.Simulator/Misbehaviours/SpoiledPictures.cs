using Lumiku.HuggingFace.Simulator.Pictures;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Well-framed answers whose picture is broken, black or far too big.</summary>
internal static class SpoiledPictures
{
    private const int BombSide = 30_000;
    private const int Piece = 64 * 1024;

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Spoiled("png-without-end", "A PNG whose last chunk, IEND, is missing.", PngDamage.WithoutEnd),
        Spoiled("png-bad-header", "A PNG with a colour type that does not exist and a wrong checksum.", PngDamage.WithBadHeader),
        Spoiled("png-bad-signature", "A PNG whose first eight bytes are wrong.", PngDamage.WithBadSignature),
        Spoiled("png-huge-dimensions", "A PNG that claims 30,000 by 30,000 pixels.", png => PngDamage.WithSides(png, BombSide, BombSide)),
        Spoiled("png-zero-dimensions", "A PNG that claims 0 by 0 pixels.", png => PngDamage.WithSides(png, 0, 0)),
        Spoiled("png-flipped-bit", "A PNG in whose pixels one bit is wrong, so that a checksum is.", PngDamage.WithFlippedBit),
        Spoiled("png-trailing-bytes", "A good PNG with a script behind its end.", PngDamage.WithTrailingBytes),
        Kind("jpeg-truncated", "The first half of a JPEG as if it were all of it.", (exchange, _) => HalveAsync(exchange, Picture.Jpeg)),
        Kind("webp-truncated", "The first half of a WebP as if it were all of it.", (exchange, _) => HalveAsync(exchange, Picture.Webp)),
        Kind("black-image", "A good PNG, black all over: the safety checker's.", AnswerBlackAsync),
        Kind("oversized", "Begins as a PNG and goes on, in chunks, for that many bytes.", SendTooMuchAsync, Parameter.Number("40000000")),
        Kind("oversized-with-length", "The same, with the length announced.", AnnounceTooMuchAsync, Parameter.Number("40000000")),
    ];

    private static MisbehaviourKind Spoiled(string name, string description, Func<byte[], byte[]> spoil) => Kind(
        name,
        description,
        async (exchange, _) =>
        {
            var picture = await exchange.RenderAsync(Picture.Png);
            await exchange.AnswerPictureAsync(picture with { Bytes = spoil(picture.Bytes) });
        });

    private static async Task HalveAsync(Exchange exchange, string type)
    {
        var picture = await exchange.RenderAsync(type);
        await exchange.AnswerPictureAsync(picture with { Bytes = picture.Bytes[..(picture.Bytes.Length / 2)] });
    }

    private static async Task AnswerBlackAsync(Exchange exchange, Arguments arguments)
    {
        await exchange.WaitAsync(exchange.Options.Delay);
        await exchange.AnswerPictureAsync(Picture.Black(exchange.Order.Width, exchange.Order.Height));
    }

    private static Task AnnounceTooMuchAsync(Exchange exchange, Arguments arguments)
    {
        exchange.Context.Response.ContentLength = arguments.Number(0);
        return SendTooMuchAsync(exchange, arguments);
    }

    private static async Task SendTooMuchAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync(Picture.Png);
        var body = exchange.Context.Response.Body;
        exchange.Context.Response.ContentType = picture.Type;

        var left = arguments.Number(0);
        var piece = PngDamage.WithoutEnd(picture.Bytes).AsMemory();
        var filler = new byte[Piece];
        new Noise(exchange.Order.Key).Fill(filler);
        while (left > 0)
        {
            piece = piece[..Math.Min(piece.Length, left)];
            await body.WriteAsync(piece, exchange.Over);
            left -= piece.Length;
            piece = filler;
        }

        exchange.MarkOut();
    }
}
