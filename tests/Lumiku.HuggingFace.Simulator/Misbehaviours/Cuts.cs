using Lumiku.HuggingFace.Simulator.Pictures;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Connections that end too early. An argument is how many bytes of the picture get through; the last one never does.</summary>
internal static class Cuts
{
    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("reset-before-headers", "Resets the connection (RST) instead of answering.", (exchange, _) => new Wire(exchange).ResetAsync()),
        Kind("close-before-headers", "Closes the connection (FIN) without a byte.", (exchange, _) => new Wire(exchange).FinishAsync()),
        Kind("close-mid-headers", "Closes the connection (FIN) in the middle of a header.", CloseMidHeadersAsync),
        Kind("cut-with-length", "Announces the whole length, sends so many bytes, closes (FIN).", CutWithLengthAsync, Parameter.Number("1000")),
        Kind("reset-with-length", "Announces the whole length, sends so many bytes, resets (RST).", ResetWithLengthAsync, Parameter.Number("1000")),
        Kind("cut-chunked", "Sends so many bytes in one chunk and closes (FIN) without the last chunk.", CutChunkedAsync, Parameter.Number("1000")),
        Kind(
            "cut-close-delimited",
            "Announces no length, sends so many bytes, closes (FIN): only the picture itself tells that it is cut.",
            CutCloseDelimitedAsync,
            Parameter.Number("1000")),
    ];

    private static async Task CloseMidHeadersAsync(Exchange exchange, Arguments arguments)
    {
        var wire = new Wire(exchange);
        await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Le");
        await wire.FinishAsync();
    }

    private static async Task CutWithLengthAsync(Exchange exchange, Arguments arguments) =>
        await (await SendPartAsync(exchange, arguments)).FinishAsync();

    private static async Task ResetWithLengthAsync(Exchange exchange, Arguments arguments) =>
        await (await SendPartAsync(exchange, arguments)).ResetAsync();

    private static async Task<Wire> SendPartAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", $"Content-Type: {picture.Type}", $"Content-Length: {picture.Bytes.Length}");
        await wire.SendAsync(Part(picture, arguments));
        return wire;
    }

    private static async Task CutChunkedAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var part = Part(picture, arguments);
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", $"Content-Type: {picture.Type}", "Transfer-Encoding: chunked");
        await wire.SendAsync($"{part.Length:x}\r\n");
        await wire.SendAsync(part);
        await wire.SendAsync("\r\n");
        await wire.FinishAsync();
    }

    private static async Task CutCloseDelimitedAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", $"Content-Type: {picture.Type}", "Connection: close");
        await wire.SendAsync(Part(picture, arguments));
        await wire.FinishAsync();
    }

    private static ReadOnlyMemory<byte> Part(Picture picture, Arguments arguments) =>
        picture.Bytes.AsMemory(0, Math.Min(arguments.Number(0), picture.Bytes.Length - 1));
}
