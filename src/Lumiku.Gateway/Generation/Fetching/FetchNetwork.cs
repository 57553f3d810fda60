using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>How a fetch gets at other machines. Tests have a resolver, a wire and an authority of their own; what is allowed is decided before any of them is asked.</summary>
internal sealed record FetchNetwork
{
    public static readonly FetchNetwork Default = new();

    public Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = Dns.GetHostAddressesAsync;

    public Func<IPEndPoint, CancellationToken, Task<Stream>> Connect { get; init; } = ConnectAsync;

    /// <summary>Who may sign a host's certificate; null: whom this machine trusts.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    private static async Task<Stream> ConnectAsync(IPEndPoint to, CancellationToken cancellationToken)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(to, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
