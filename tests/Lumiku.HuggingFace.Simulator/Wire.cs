using System.Net.Sockets;
using System.Text;

using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>The connection's socket, for answers that no HTTP server would give. Only before the server has begun its own.</summary>
internal sealed class Wire(Exchange exchange)
{
    /// <summary>How long the caller may take to read what was sent and to hang up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Time for what was sent to be read before a reset takes it away.</summary>
    private static readonly TimeSpan Delivery = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket = exchange.Context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, exchange.Over)..];
        }
    }

    /// <summary>A status line and headers, the usual ones of the edge among them.</summary>
    /// <param name="status">Code and reason.</param>
    /// <param name="headers">One line each, without line end.</param>
    public Task SendHeadAsync(string status, params string[] headers)
    {
        var edge = exchange.Context.Response.Headers.SelectMany(header => header.Value.Select(value => $"{header.Key}: {value}"));
        return SendAsync($"HTTP/1.1 {status}\r\n{string.Concat(edge.Concat(headers).Select(line => line + "\r\n"))}\r\n");
    }

    /// <summary>Ends the stream (FIN) and waits a little for the caller to do the same.</summary>
    public async Task FinishAsync()
    {
        exchange.MarkOut();
        _socket.Shutdown(SocketShutdown.Send);
        await HoldAsync();
    }

    /// <summary>Leaves the connection as it is until the caller hangs up, but not for long.</summary>
    /// <remarks>Nothing more is read from it. After an answer that lets a caller keep the connection, use <see cref="FinishAsync"/>.</remarks>
    public async Task HoldAsync()
    {
        exchange.MarkOut();
        try
        {
            await exchange.WaitAsync(Patience);
        }
        catch (OperationCanceledException)
        {
            // The caller has hung up.
        }

        exchange.Context.Abort(); // The server must not add an answer of its own.
    }

    /// <summary>Breaks the connection off (RST).</summary>
    public async Task ResetAsync()
    {
        await exchange.WaitAsync(Delivery);
        exchange.MarkOut();
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Close();
        exchange.Context.Abort();
    }
}
