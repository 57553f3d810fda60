using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>Connections to public addresses only. A name is resolved once, all its addresses are judged, and one of exactly those is connected to: DNS that answers otherwise the next time changes nothing.</summary>
internal sealed class GuardedConnections(FetchNetwork network, FetchBounds bounds)
{
    /// <summary>Of a name that has more. Each but the last has its share of the time, the last what is left.</summary>
    private const int MaxAddresses = 4;

    /// <summary>Sends what it is given and no more: no proxy, cookies, credentials or trace headers, follows nothing and unpacks nothing.</summary>
    public SocketsHttpHandler CreateHandler() => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectCallback = ConnectAsync,
        ConnectTimeout = bounds.Connect,
        MaxResponseHeadersLength = bounds.HeaderKilobytes,
        MaxResponseDrainSize = 0,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(20),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust() },
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await AddressesAsync(host, cancellationToken);
        for (var i = 0; ; i++)
        {
            using var share = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (i + 1 < addresses.Length)
            {
                share.CancelAfter(bounds.Connect / addresses.Length);
            }

            try
            {
                return await network.Connect(new IPEndPoint(addresses[i], port), share.Token);
            }
            catch (Exception exception) when (i + 1 < addresses.Length && exception is SocketException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // The next address may answer.
            }
        }
    }

    /// <exception cref="ForbiddenAddressException">One of them is not public, though others are.</exception>
    private async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await network.Resolve(host, cancellationToken);
        if (addresses.Length == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        var isLoopback = literal is null ? ImageHosts.IsLoopback(host) : !literal.IsIPv4MappedToIPv6 && IPAddress.IsLoopback(literal);
        return addresses.All(address => isLoopback ? IPAddress.IsLoopback(address) : PublicAddresses.Contains(address))
            ? [.. addresses.Take(MaxAddresses)]
            : throw new ForbiddenAddressException();
    }

    /// <summary>A certificate that lacks its authority's is bad: it does not say where we fetch that from, nor whom we ask whether it is still good.</summary>
    private X509ChainPolicy Trust()
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (network.Authorities is { } authorities)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(authorities);
        }

        return policy;
    }
}

/// <summary>A host name leads to where nothing may be fetched from.</summary>
internal sealed class ForbiddenAddressException : Exception;
