using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>Host names of a list that images may be fetched from: exact ones, or <c>*.name</c> for all below a name but not itself.</summary>
internal static class ImageHosts
{
    private const string Below = "*.";

    /// <summary>Second labels that registries of two-letter domains sell names under.</summary>
    private static readonly string[] Registries = ["ac", "co", "com", "edu", "gov", "net", "org"];

    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    /// <returns>Null, or why the entry is no host pattern, as the end of a sentence that begins with it.</returns>
    public static string? Check(string entry)
    {
        var isBelow = entry.StartsWith(Below, StringComparison.Ordinal);
        var name = isBelow ? entry[Below.Length..] : entry;
        if (name.AsSpan().ContainsAny("/\\@?#"))
        {
            return "is more than a host name: leave scheme, credentials and path out";
        }

        if (name.Contains('*', StringComparison.Ordinal))
        {
            return "may have '*' only as its first label, as in '*.cdn.example'";
        }

        return IPAddress.TryParse(name, out var address) ? CheckAddress(name, address, isBelow) : CheckName(name, isBelow);
    }

    /// <param name="host">As a URL has it, in ASCII; an IPv6 address in brackets.</param>
    public static bool Contains(IReadOnlyList<string> hosts, string host)
    {
        var isAddress = Literal(host) is not null;
        if (!isAddress && Ascii(host) is null)
        {
            return false;
        }

        foreach (var entry in hosts)
        {
            var isBelow = entry.StartsWith(Below, StringComparison.Ordinal);
            if (isBelow && isAddress || (Literal(entry) is not null ? entry : Ascii(isBelow ? entry[Below.Length..] : entry)) is not { } name)
            {
                continue;
            }

            if (isBelow ? host.Length > name.Length + 1 && host.EndsWith($".{name}", StringComparison.OrdinalIgnoreCase) : host.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>This machine, by a name or an address that says so.</summary>
    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || Literal(host) is { IsIPv4MappedToIPv6: false } address && IPAddress.IsLoopback(address);

    /// <returns>The address that a host is, where it is written as everybody writes it: not in hex, octal, fewer parts, or with a zone.</returns>
    public static IPAddress? Literal(string host) => IPAddress.TryParse(host, out var address) && Written(address).Equals(host, StringComparison.OrdinalIgnoreCase) ? address : null;

    private static string? CheckAddress(string name, IPAddress address, bool isBelow)
    {
        if (isBelow)
        {
            return "asks for what is below an address";
        }

        if (Literal(name) is null)
        {
            return $"is an address: write it as {Written(address)}";
        }

        return IsLoopback(name) || PublicAddresses.Contains(address) ? null : "is an address that is not public";
    }

    private static string? CheckName(string name, bool isBelow)
    {
        if (Ascii(name) is not { } ascii)
        {
            return "is no host name";
        }

        if (ascii == "localhost" && !isBelow)
        {
            return null;
        }

        var labels = ascii.Split('.');
        if (isBelow && (labels.Length < 2 || labels.Length == 2 && labels[1].Length == 2 && Registries.Contains(labels[0])))
        {
            return $"opens all of '.{ascii}': name a domain that one owner has";
        }

        return labels.Length < 2 ? "is a name without a domain" : null;
    }

    /// <returns>The name in lower case and as DNS has it; null where it is none, or could be read as an address.</returns>
    private static string? Ascii(string name)
    {
        try
        {
            var ascii = Idn.GetAscii(name.ToLowerInvariant());
            var last = ascii[(ascii.LastIndexOf('.') + 1)..];
            var isName = ascii.Length <= 253 && last.Length > 0 && !char.IsAsciiDigit(last[0]) && ascii.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.');
            return isName ? ascii : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static string Written(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : $"{address}";
}
