using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lumiku.Gateway.Generation.Fetching;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A fetcher, a server of images by the public address <see cref="Address"/>, and a canary that every wire to anywhere else ends at.</summary>
/// <remarks>All are real but the resolver; the internet's wires are laid on this machine.</remarks>
internal sealed class FetchBench : IAsyncDisposable
{
    public static readonly IPAddress Address = IPAddress.Parse("93.184.215.14");

    public static readonly FetchBounds Bounds = new() { Pause = TimeSpan.FromMilliseconds(5), Connect = TimeSpan.FromSeconds(2), Silence = TimeSpan.FromSeconds(5) };

    private readonly PrivateAuthority _authority = new();
    private readonly ConcurrentQueue<IPEndPoint> _dialled = [];
    private readonly X509Certificate2 _certificate;

    /// <param name="bounds">Null: quick ones.</param>
    /// <param name="isPlain">The server speaks no TLS.</param>
    /// <param name="certified">The names in the server's certificate; null: good ones.</param>
    public FetchBench(FetchBounds? bounds = null, bool isPlain = false, string[]? certified = null, bool isTrusted = true)
    {
        Canary = new RawServer();
        Canary.Say(Ok("secret"));
        _certificate = _authority.Issue(certified ?? ["images.example", "*.cdn.example", "localhost"], $"http://127.0.0.1:{Canary.Port}/issuer.cer");
        Server = new RawServer(isPlain ? null : _certificate);
        Server.Say(Ok("image"));
        var network = new FetchNetwork { Resolve = ResolveAsync, Connect = ConnectAsync, Authorities = isTrusted ? _authority.Certificates : null };
        Fetcher = new ImageFetcher(bounds ?? Bounds, network, TimeProvider.System, new SteadyRandom(0.5));
    }

    public ImageFetcher Fetcher { get; }

    public RawServer Server { get; }

    public RawServer Canary { get; }

    public string[] Hosts { get; set; } = ["images.example", "*.cdn.example"];

    /// <summary>What DNS says of every name; null: the server's address.</summary>
    public Func<string, IPAddress[]>? Dns { get; set; }

    /// <summary>All that was connected to, or tried.</summary>
    public IReadOnlyList<IPEndPoint> Dialled => [.. _dialled];

    /// <summary>The connections to come fail so often before one is made.</summary>
    public int Refusals { get; set; }

    public static string Ok(string body) => $"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";

    public static string Status(int status, string headers = "") => $"HTTP/1.1 {status} So\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n";

    public static string Redirect(string location) => Status(302, $"Location: {location}\r\n");

    /// <param name="url"><c>{server}</c> and <c>{canary}</c> are their ports.</param>
    public async Task<FetchedImage> FetchAsync(string url = "https://images.example/a.png", int limit = 1_000_000, CancellationToken deadline = default) =>
        await Fetcher.FetchAsync(Ports(url), Hosts, limit, deadline);

    public string Ports(string text) => text.Replace("{server}", $"{Server.Port}", StringComparison.Ordinal).Replace("{canary}", $"{Canary.Port}", StringComparison.Ordinal);

    /// <summary>Nothing went anywhere but to the server.</summary>
    public void ShouldHaveStayed()
    {
        Canary.Connections.ShouldBe(0);
        Dialled.ShouldAllBe(endpoint => endpoint.Equals(new IPEndPoint(Address, 443)));
    }

    public async ValueTask DisposeAsync()
    {
        Fetcher.Dispose();
        await Server.DisposeAsync();
        await Canary.DisposeAsync();
        _certificate.Dispose();
        _authority.Dispose();
    }

    private Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => Task.FromResult(Dns?.Invoke(host) ?? [Address]);

    private async Task<Stream> ConnectAsync(IPEndPoint to, CancellationToken cancellationToken)
    {
        _dialled.Enqueue(to);
        if (--Refusals >= 0)
        {
            throw new SocketException((int)SocketError.ConnectionRefused);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var isServer = to.Equals(new IPEndPoint(Address, 443)) || to.Port == Server.Port;
        await socket.ConnectAsync(IPAddress.Loopback, isServer ? Server.Port : Canary.Port, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }
}

internal static class FetchedImages
{
    public static string ShouldBeDone(this FetchedImage fetched)
    {
        fetched.End.ShouldBe(FetchEnd.Done, fetched.Flaw);
        fetched.Flaw.ShouldBeNull();
        return Encoding.Latin1.GetString(fetched.Image!.Content.ToArray());
    }

    /// <param name="flaw">A part of it.</param>
    public static void ShouldBe(this FetchedImage fetched, FetchEnd end, string flaw)
    {
        fetched.End.ShouldBe(end, fetched.Flaw);
        fetched.Image.ShouldBeNull();
        fetched.Flaw!.ShouldContain(flaw);
        fetched.Flaw!.ShouldAllBe(c => !char.IsControl(c));
    }
}
