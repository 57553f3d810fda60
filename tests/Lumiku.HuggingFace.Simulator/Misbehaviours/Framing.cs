using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Whole pictures in odd or contradictory frames.</summary>
internal static class Framing
{
    private const int Mistake = 100;

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("close-delimited-whole", "The whole picture without a length; the end of the connection (FIN) ends it.", CloseDelimitedAsync),
        Kind("chunked-whole", "The whole picture in chunks, which is correct.", ChunkedAsync),
        Kind("content-length-and-chunked", "The whole picture in chunks, with a Content-Length of 5 besides.", LengthAndChunkedAsync),
        Kind("extra-bytes-after-body", "The whole picture with its length, then a second answer that nobody asked for.", ExtraBytesAsync),
        Kind(
            "wrong-length-short",
            "A Content-Length that is 100 less than what is sent.",
            (exchange, _) => WrongLengthAsync(exchange, -Mistake)),
        Kind(
            "wrong-length-long",
            "A Content-Length that is 100 more than what is sent, then the end (FIN).",
            (exchange, _) => WrongLengthAsync(exchange, Mistake)),
        Kind("two-lengths", "Two Content-Length headers that disagree.", TwoLengthsAsync),
        Kind("bad-chunk-size", "A chunk whose size is not hexadecimal.", BadChunkSizeAsync),
    ];

    private static async Task CloseDelimitedAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", $"Content-Type: {picture.Type}", "Connection: close");
        await wire.SendAsync(picture.Bytes);
        await wire.FinishAsync();
    }

    private static async Task ChunkedAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        exchange.Context.Response.ContentType = picture.Type;
        exchange.MarkOut();
        await exchange.Context.Response.Body.WriteAsync(picture.Bytes, exchange.Over);
    }

    private static async Task LengthAndChunkedAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", $"Content-Type: {picture.Type}", "Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close");
        await wire.SendAsync($"{picture.Bytes.Length:x}\r\n");
        await wire.SendAsync(picture.Bytes);
        await wire.SendAsync("\r\n0\r\n\r\n");
        await wire.FinishAsync();
    }

    private static async Task ExtraBytesAsync(Exchange exchange, Arguments arguments)
    {
        var wire = await SendWithLengthAsync(exchange, mistake: 0);
        await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nsmuggled");
        await wire.HoldAsync();
    }

    private static async Task WrongLengthAsync(Exchange exchange, int mistake) =>
        await (await SendWithLengthAsync(exchange, mistake)).FinishAsync();

    private static async Task TwoLengthsAsync(Exchange exchange, Arguments arguments) =>
        await (await SendWithLengthAsync(exchange, mistake: 0, "Content-Length: 5")).FinishAsync();

    private static async Task<Wire> SendWithLengthAsync(Exchange exchange, int mistake, params string[] more)
    {
        var picture = await exchange.RenderAsync();
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", [$"Content-Type: {picture.Type}", $"Content-Length: {picture.Bytes.Length + mistake}", .. more]);
        await wire.SendAsync(picture.Bytes);
        return wire;
    }

    private static async Task BadChunkSizeAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", $"Content-Type: {picture.Type}", "Transfer-Encoding: chunked");
        await wire.SendAsync("many\r\n");
        await wire.SendAsync(picture.Bytes);
        await wire.SendAsync("\r\n0\r\n\r\n");
        await wire.FinishAsync();
    }
}
