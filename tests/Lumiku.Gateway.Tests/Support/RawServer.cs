using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A server on this machine whose answers are, byte for byte, what a test says; one to a connection. It speaks TLS where it has a certificate.</summary>
public sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<string> _requests = [];
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;
    private int _connections;

    public RawServer(X509Certificate2? certificate = null)
    {
        _certificate = certificate;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Each one's first line and headers, as they came.</summary>
    public IReadOnlyList<string> Requests => [.. _requests];

    /// <summary>Writes an answer to a request; the connection ends when it is done.</summary>
    public Func<string, Stream, CancellationToken, Task> Answer { get; set; } = (_, stream, cancellationToken) => WriteAsync(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", cancellationToken);

    /// <summary>Answers with this text, or one after the other; the last goes on for ever.</summary>
    public void Say(params string[] answers)
    {
        var next = -1;
        Answer = (_, stream, cancellationToken) => WriteAsync(stream, answers[Math.Min(Interlocked.Increment(ref next), answers.Length - 1)], cancellationToken);
    }

    /// <param name="text">A byte a letter.</param>
    public static Task WriteAsync(Stream stream, string text, CancellationToken cancellationToken) => stream.WriteAsync(Encoding.Latin1.GetBytes(text), cancellationToken).AsTask();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(client, _stopping.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken stopping)
    {
        using var connection = client;
        try
        {
            client.NoDelay = true;
            await using var stream = await OpenAsync(client, stopping);
            if (await ReadHeadAsync(stream, stopping) is { } head)
            {
                _requests.Enqueue(head);
                await Answer(head, stream, stopping);
                await stream.FlushAsync(stopping);
                client.Client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException or AuthenticationException)
        {
        }
    }

    private async Task<Stream> OpenAsync(TcpClient client, CancellationToken stopping)
    {
        if (_certificate is null)
        {
            return client.GetStream();
        }

        var stream = new SslStream(client.GetStream());
        // Offline: a server would otherwise ask its certificate's issuer itself, and a test could not tell who did.
        var context = SslStreamCertificateContext.Create(_certificate, additionalCertificates: null, offline: true);
        await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = context }, stopping);
        return stream;
    }

    /// <returns>Null where the client went before it had asked.</returns>
    private static async Task<string?> ReadHeadAsync(Stream stream, CancellationToken stopping)
    {
        var head = new StringBuilder();
        var bytes = new byte[4096];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(bytes, stopping);
            if (read == 0)
            {
                return null;
            }

            head.Append(Encoding.Latin1.GetString(bytes, 0, read));
        }

        return head.ToString();
    }
}
