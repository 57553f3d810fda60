using System.Collections.Concurrent;
using Lumiku.Gateway.Tests.Support;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>Callers who ask for one image and take it at a trickle, with the least buffers that a machine gives them.</summary>
internal sealed class SlowReaders : IDisposable
{
    private readonly ConcurrentBag<RawClient> _clients = [];
    private readonly CancellationTokenSource _done = new();
    private int _cut;

    /// <summary>Those whom the gateway has let go.</summary>
    public int Cut => Volatile.Read(ref _cut);

    /// <summary>The longest that one was kept.</summary>
    public TimeSpan Longest { get; private set; }

    /// <param name="bytesPerSecond">0: nothing is read at all, until the connection has ended of itself.</param>
    public async Task StartAsync(Uri gateway, int count, int bytesPerSecond, string body)
    {
        var request = $"POST /models/{TestGateway.Sd3} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) =>
        {
            var client = await RawClient.ConnectAsync(gateway, receiveBuffer: 4096);
            _clients.Add(client);
            await client.SendAsync(request);
            _ = TrickleAsync(client, bytesPerSecond);
        });
    }

    public void Dispose()
    {
        _done.Cancel();
        foreach (var client in _clients)
        {
            client.Dispose();
        }

        _done.Dispose();
    }

    private async Task TrickleAsync(RawClient client, int bytesPerSecond)
    {
        var started = TimeProvider.System.GetTimestamp();
        var buffer = new byte[Math.Max(1, bytesPerSecond)];
        try
        {
            while (!client.IsReset && (bytesPerSecond == 0 || await client.ReadAsync(buffer, _done.Token) > 0))
            {
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, _done.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            return;
        }

        lock (_done)
        {
            _cut++;
            var kept = TimeProvider.System.GetElapsedTime(started);
            Longest = kept > Longest ? kept : Longest;
        }
    }
}
