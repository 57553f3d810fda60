using System.Globalization;

namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>The rules that the text of an image's URL must keep. Where its host leads is for <see cref="GuardedConnections"/> to judge.</summary>
/// <remarks>
/// A URL is taken apart here and by <see cref="Uri"/>, and refused where the two differ: what is checked is what is asked.
/// </remarks>
internal static class ImageAddress
{
    private const int MaxLength = 8 * 1024;

    /// <param name="hosts">See <see cref="ImageHosts"/>. On this machine, where that is listed, http and every port are good.</param>
    /// <returns>Null where a rule is broken: <paramref name="flaw"/> tells which, see <see cref="FetchedImage.Flaw"/>.</returns>
    public static Uri? Read(string url, IReadOnlyList<string> hosts, out string? flaw)
    {
        flaw = Check(url, hosts, out var address);
        return flaw is null ? address : null;
    }

    private static string? Check(string url, IReadOnlyList<string> hosts, out Uri? address)
    {
        address = null;
        if (url.Length > MaxLength)
        {
            return $"is longer than {MaxLength} characters";
        }

        if (url.Any(c => c is <= ' ' or >= '\x7f' or '\\'))
        {
            return "has a character that no URL has";
        }

        var isHttps = url.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
        if (!isHttps && !url.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            return "is not an https URL";
        }

        if (url.Contains('#', StringComparison.Ordinal))
        {
            return "has a fragment";
        }

        var rest = url[(url.IndexOf("//", StringComparison.Ordinal) + 2)..];
        var authority = rest.IndexOfAny(['/', '?']) is >= 0 and var end ? rest[..end] : rest;
        if (authority.Contains('@', StringComparison.Ordinal))
        {
            return "has credentials in it";
        }

        var (host, port) = Split(authority, isHttps ? "443" : "80");
        if (!ImageHosts.Contains(hosts, host))
        {
            return $"lies at the host {Short(host)}, which ImageHosts does not list";
        }

        if (!ImageHosts.IsLoopback(host) && (!isHttps || port != "443"))
        {
            return isHttps ? $"names a port of {host} that is not 443" : "is not an https URL";
        }

        var isSame = Uri.TryCreate(url, UriKind.Absolute, out address) && address.UserInfo.Length == 0 && address.Port.ToString(CultureInfo.InvariantCulture) == port
            && address.IdnHost.Equals(host.Trim('[', ']'), StringComparison.OrdinalIgnoreCase);
        return isSame ? null : "can be read in two ways";
    }

    private static (string Host, string Port) Split(string authority, string port)
    {
        var colon = authority.LastIndexOf(':');
        return colon < 0 || authority.EndsWith(']') ? (authority, port) : (authority[..colon], authority[(colon + 1)..]);
    }

    private static string Short(string host) => host.Length switch { 0 => "''", <= 100 => host, _ => $"{host[..100]}…" };
}
