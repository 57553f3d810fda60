using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A wire between a client and a server on this machine that can be slow, silent or cut.</summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, bool> _open = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly int _target;
    private readonly Task _accepting;
    private volatile int _cutAfter = -1;

    /// <param name="target">The server's port.</param>
    public FaultProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How long every piece of an answer is held back.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Nothing passes in either direction, and nobody is told.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Connections that were made through it.</summary>
    public int Connections { get; private set; }

    /// <summary>Ends each connection that is open now.</summary>
    public void CutAll()
    {
        foreach (var client in _open.Keys)
        {
            client.Dispose();
        }
    }

    /// <summary>The next answer ends after so many bytes, and its connection with it.</summary>
    public void CutNextAnswerAfter(int bytes) => _cutAfter = bytes;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        CutAll();
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
                Connections++;
                _ = ServeAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        _open[client] = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            client.NoDelay = server.NoDelay = true;
            await Task.WhenAny(CopyAsync(client.GetStream(), server.GetStream(), isAnswer: false), CopyAsync(server.GetStream(), client.GetStream(), isAnswer: true));
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
        }
        finally
        {
            _open.TryRemove(client, out _);
            client.Dispose();
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool isAnswer)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReadAsync(buffer, _stopping.Token) is > 0 and var read)
            {
                while (IsSilent)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, _stopping.Token);
                }

                if (isAnswer && Delay > TimeSpan.Zero)
                {
                    await Task.Delay(Delay, TimeProvider.System, _stopping.Token);
                }

                if (isAnswer && Interlocked.Exchange(ref _cutAfter, -1) is >= 0 and var cut)
                {
                    await to.WriteAsync(buffer.AsMemory(0, Math.Min(cut, read)), _stopping.Token);
                    return;
                }

                await to.WriteAsync(buffer.AsMemory(0, read), _stopping.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
        }
    }
}
