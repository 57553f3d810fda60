using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Answers that come late, slowly or never.</summary>
internal static class Silence
{
    private const int SlowPieces = 20;

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("delay", "Behaves well, once the time has passed.", DelayAsync, Parameter.Duration("2s")),
        Kind("stall-before-headers", "Never answers.", (exchange, _) => exchange.WaitForTheEndAsync()),
        Kind("stall-mid-body", "Sends that many bytes of the picture and no more, and keeps the connection.", StallAsync, Parameter.Number("1000")),
        Kind("slow-body", "Sends headers at once and the picture evenly over the time.", SendSlowlyAsync, Parameter.Duration("2s")),
    ];

    private static async Task DelayAsync(Exchange exchange, Arguments arguments)
    {
        await exchange.WaitAsync(arguments.Duration(0));
        await exchange.AnswerWellAsync();
    }

    private static async Task StallAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var response = exchange.Context.Response;
        response.ContentType = picture.Type;
        response.ContentLength = picture.Bytes.Length;
        var bytes = Math.Min(arguments.Number(0), picture.Bytes.Length - 1);
        await response.Body.WriteAsync(picture.Bytes.AsMemory(0, bytes), exchange.Over);
        await response.Body.FlushAsync(exchange.Over);
        await exchange.WaitForTheEndAsync();
    }

    private static async Task SendSlowlyAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var response = exchange.Context.Response;
        response.ContentType = picture.Type;
        response.ContentLength = picture.Bytes.Length;
        await response.StartAsync(exchange.Over);

        foreach (var piece in picture.Bytes.Chunk((picture.Bytes.Length / SlowPieces) + 1))
        {
            await exchange.WaitAsync(arguments.Duration(0) / SlowPieces);
            await response.Body.WriteAsync(piece, exchange.Over);
            await response.Body.FlushAsync(exchange.Over);
        }

        exchange.MarkOut();
    }
}
