using System.Net;
using System.Net.Sockets;

namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>Addresses that anybody on the internet may have, and nobody's own network.</summary>
internal static class PublicAddresses
{
    /// <summary>Behind it lies the IPv4 address of the last four bytes; what a resolver of a network without IPv4 makes up (RFC 6052).</summary>
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    /// <summary>All of IPv6 that is given out; the rest is loopback, link-local, unique local, multicast, IPv4-compatible, or nobody's.</summary>
    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    /// <summary>The registries of special-purpose addresses (IANA), and what clouds keep for themselves.</summary>
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
            "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "168.63.129.16/32", // Azure's own services, as each of its machines sees them.
            "2001::/23", // Teredo, benchmarking, ORCHID and other protocols.
            "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48",
            "2002::/16", // 6to4: any IPv4 address may lie behind it, and nobody serves images by it.
        }.Select(IPNetwork.Parse),
    ];

    public static bool Contains(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return Contains(address.MapToIPv4());
        }

        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            if (Nat64.Contains(address))
            {
                return Contains(new IPAddress(address.GetAddressBytes().AsSpan(12)));
            }

            if (!GlobalUnicast.Contains(address))
            {
                return false;
            }
        }

        return !Special.Any(network => network.Contains(address));
    }
}
