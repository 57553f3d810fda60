using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Heads that are no HTTP, or HTTP that was not expected.</summary>
internal static class Protocol
{
    private const int HugeHeaderBytes = 100 * 1024;

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("switch-protocols-101", "101: switches to a protocol that nobody asked for.", SwitchProtocolsAsync),
        Kind("early-hints-103", "100 and 103 first, then behaves well.", EarlyHintsAsync),
        Kind("bare-cr-in-header", "A good picture under a header with a lone carriage return in its value.", BareReturnAsync),
        Kind("huge-header", "A good picture under a header of 100 KiB.", HugeHeaderAsync),
        Kind("many-headers", "A good picture under that many headers.", ManyHeadersAsync, Parameter.Number("500")),
        Kind("header-without-colon", "A good picture under a header line that is none.", HeaderWithoutColonAsync),
        Kind("tls-bytes", "A TLS alert where HTTP was expected.", TlsBytesAsync),
        Kind("garbage-status-line", "A first line that is no status line.", GarbageStatusLineAsync),
        Kind("http-0-9", "The picture alone, without any head.", BareBodyAsync),
    ];

    private static async Task SwitchProtocolsAsync(Exchange exchange, Arguments arguments)
    {
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("101 Switching Protocols", "Connection: Upgrade", "Upgrade: lumiku");
        await wire.SendAsync("bytes of another protocol");
        await wire.HoldAsync();
    }

    private static async Task EarlyHintsAsync(Exchange exchange, Arguments arguments)
    {
        await new Wire(exchange).SendAsync("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
        await exchange.AnswerWellAsync();
    }

    private static Task BareReturnAsync(Exchange exchange, Arguments arguments) =>
        SendPictureAsync(exchange, "X-Note: one\rX-Injected: two");

    private static Task HugeHeaderAsync(Exchange exchange, Arguments arguments) =>
        SendPictureAsync(exchange, "X-Huge: " + new string('h', HugeHeaderBytes));

    private static Task ManyHeadersAsync(Exchange exchange, Arguments arguments) =>
        SendPictureAsync(exchange, [.. Enumerable.Range(1, arguments.Number(0)).Select(number => $"X-Many-{number}: {number}")]);

    private static Task HeaderWithoutColonAsync(Exchange exchange, Arguments arguments) =>
        SendPictureAsync(exchange, "this line has no colon");

    private static async Task SendPictureAsync(Exchange exchange, params string[] headers)
    {
        var picture = await exchange.RenderAsync();
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("200 OK", [$"Content-Type: {picture.Type}", $"Content-Length: {picture.Bytes.Length}", "Connection: close", .. headers]);
        await wire.SendAsync(picture.Bytes);
        await wire.FinishAsync();
    }

    private static async Task TlsBytesAsync(Exchange exchange, Arguments arguments)
    {
        var wire = new Wire(exchange);
        await wire.SendAsync(new byte[] { 0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28 }); // Fatal: handshake failure.
        await wire.FinishAsync();
    }

    private static async Task GarbageStatusLineAsync(Exchange exchange, Arguments arguments)
    {
        var wire = new Wire(exchange);
        await wire.SendAsync("HTTP/1.1 OK two hundred\r\nContent-Length: 0\r\n\r\n");
        await wire.FinishAsync();
    }

    private static async Task BareBodyAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var wire = new Wire(exchange);
        await wire.SendAsync(picture.Bytes);
        await wire.FinishAsync();
    }
}
