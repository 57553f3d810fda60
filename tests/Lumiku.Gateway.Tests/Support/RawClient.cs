using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A connection on which a test says what it likes, byte for byte, and reads as it likes.</summary>
public sealed class RawClient : IDisposable
{
    private readonly Socket _socket;

    private RawClient(Socket socket) => _socket = socket;

    /// <summary>Seen without reading: the other side has ended the connection by force.</summary>
    public bool IsReset => _socket.Poll(TimeSpan.Zero, SelectMode.SelectError) || (int)_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)! != 0;

    /// <param name="receiveBuffer">What the kernel may take for a reader that does not read; null: what it takes for anybody.</param>
    public static async Task<RawClient> ConnectAsync(Uri gateway, int? receiveBuffer = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer is { } size)
        {
            socket.ReceiveBufferSize = size;
        }

        await socket.ConnectAsync(gateway.Host, gateway.Port);
        return new RawClient(socket);
    }

    /// <summary>Sends, and reads until the gateway ends the connection.</summary>
    public static async Task<IReadOnlyList<RawAnswer>> ExchangeAsync(Uri gateway, string text, TimeSpan? patience = null)
    {
        using var client = await ConnectAsync(gateway);
        await client.SendAsync(text);
        return RawAnswer.ParseAll(await client.ReadToEndAsync(patience));
    }

    /// <param name="text">A byte a letter.</param>
    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Does not mind if the other side has gone in the middle of it.</summary>
    public async Task SendAsync(byte[] bytes)
    {
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await _socket.SendAsync(bytes.AsMemory(sent));
            }
        }
        catch (SocketException)
        {
        }
    }

    /// <returns>How much came; 0: the connection has ended, or was reset.</returns>
    public async Task<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await _socket.ReceiveAsync(buffer, cancellationToken);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <exception cref="TimeoutException">The gateway has not ended the connection in time.</exception>
    public async Task<string> ReadToEndAsync(TimeSpan? patience = null)
    {
        var all = new StringBuilder();
        var buffer = new byte[16 * 1024];
        using var late = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(8), TimeProvider.System);
        try
        {
            while (await ReadAsync(buffer, late.Token) is var read and > 0)
            {
                all.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The connection was not ended; until then came: {all}");
        }

        return all.ToString();
    }

    public void Dispose() => _socket.Dispose();
}

/// <summary>One answer out of what came over a connection.</summary>
public sealed record RawAnswer(int Status, string Head, string Body)
{
    /// <summary>By their lengths, one after the other; interim ones count too.</summary>
    public static IReadOnlyList<RawAnswer> ParseAll(string text)
    {
        List<RawAnswer> answers = [];
        while (text.Length > 0)
        {
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0 || !text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
            {
                throw new FormatException($"That is no answer: {text}");
            }

            var head = text[..end];
            var status = int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
            var length = status == 100 ? 0 : LengthIn(head);
            answers.Add(new RawAnswer(status, head, text.Substring(end + 4, length)));
            text = text[(end + 4 + length)..];
        }

        return answers;
    }

    private static int LengthIn(string head)
    {
        const string Name = "\r\nContent-Length: ";
        var at = head.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        return at < 0 ? throw new FormatException($"It has no length: {head}") : int.Parse(head[(at + Name.Length)..].Split('\r')[0], CultureInfo.InvariantCulture);
    }
}
