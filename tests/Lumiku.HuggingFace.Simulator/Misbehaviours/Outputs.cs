using Lumiku.HuggingFace.Simulator.Pictures;
using Lumiku.HuggingFace.Simulator.Providers;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.Predictions;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Successes of a provider whose pictures are not as they should be. hf-inference behaves well.</summary>
internal static class Outputs
{
    private const string MetadataService = "http://169.254.169.254/latest/meta-data";
    private const int Piece = 64 * 1024;

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Follow("null-output", "Other providers: success with null where the pictures should be.", _ => new Course { HasNullOutput = true }),
        Follow("empty-output", "Other providers: success with an empty list of pictures.", _ => new Course { Count = 0 }),
        Follow("several-outputs", "Other providers: that many pictures.", arguments => new Course { Count = arguments.Number(0) }, Parameter.Number("3")),
        Follow("broken-base64", "Other providers: a text that is neither base64 nor an address.", _ => new Course { Output = "%%% this is no picture %%%" }),
        Follow(
            "output-url",
            "Other providers: that text where the picture's address, or its base64, should be.",
            arguments => new Course { Output = arguments.Text(0) },
            Parameter.Text(MetadataService)),
        Follow("data-url", "Providers that give addresses: a good picture as a data: URL.", _ => new Course { UsesDataUrls = true }),
        Follow(
            "wrong-format",
            "Other providers: a good picture of that type, labelled so, whatever was asked for.",
            arguments => new Course { Type = arguments.Text(0) },
            Parameter.Text(Picture.Jpeg)),
        Follow("half-picture", "Other providers: the first half of the picture as if it were all of it.", _ => new Course { Kept = length => length / 2 }),
        Download(
            "expired-url",
            "At the picture's address: that status, 403 or 404, with an object store's XML.",
            (exchange, arguments, _) => FileShop.AnswerGoneAsync(exchange, arguments.Number(0)),
            Parameter.Number("403")),
        Download(
            "download-status",
            "At the picture's address: that status with an error.",
            (exchange, arguments, _) => exchange.AnswerErrorAsync(arguments.Number(0), "The picture is not available."),
            Parameter.Number("500")),
        Download(
            "download-redirect",
            "At the picture's address: 302 to that other address.",
            (exchange, arguments, _) => RedirectAsync(exchange, arguments),
            Parameter.Text(MetadataService)),
        Download(
            "download-type",
            "At the picture's address: the picture, labelled so.",
            (exchange, arguments, picture) => exchange.AnswerAsync(StatusCodes.Status200OK, arguments.Text(0), picture.Bytes),
            Parameter.Text("text/html")),
        Download("download-cut", "At the picture's address: the whole length announced, that many bytes, then the end (FIN).", CutAsync, Parameter.Number("1000")),
        Download(
            "stalled-download",
            "At the picture's address: never an answer.",
            (exchange, _, _) => exchange.WaitForTheEndAsync()),
        Download("oversized-download", "At the picture's address: that many bytes, in chunks, which begin as the picture.", SendTooMuchAsync, Parameter.Number("40000000")),
    ];

    private static MisbehaviourKind Download(string name, string description, Func<Exchange, Arguments, Picture, Task> answer, params Parameter[] parameters) => Follow(
        name,
        description,
        arguments => new Course { Download = (exchange, picture) => answer(exchange, arguments, picture) },
        parameters);

    private static Task RedirectAsync(Exchange exchange, Arguments arguments)
    {
        exchange.Context.Response.Headers.Location = arguments.Text(0);
        return exchange.AnswerAsync(StatusCodes.Status302Found, null, "");
    }

    private static async Task CutAsync(Exchange exchange, Arguments arguments, Picture picture)
    {
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", $"Content-Type: {picture.Type}", $"Content-Length: {picture.Bytes.Length}");
        await wire.SendAsync(picture.Bytes.AsMemory(0, Math.Min(arguments.Number(0), picture.Bytes.Length - 1)));
        await wire.FinishAsync();
    }

    private static async Task SendTooMuchAsync(Exchange exchange, Arguments arguments, Picture picture)
    {
        var body = exchange.Context.Response.Body;
        exchange.Context.Response.ContentType = picture.Type;
        var piece = picture.Bytes.AsMemory();
        for (var left = arguments.Number(0); left > 0; left -= piece.Length, piece = new byte[Piece])
        {
            piece = piece[..Math.Min(piece.Length, left)];
            await body.WriteAsync(piece, exchange.Over);
        }

        exchange.MarkOut();
    }
}
