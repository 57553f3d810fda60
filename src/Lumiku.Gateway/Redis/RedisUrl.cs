using System.Globalization;
using System.Net;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Redis;

/// <summary>Where a Redis is: <c>redis://[user:password@]host[:port][,host[:port]…][/database]</c>, or <c>rediss://</c> for TLS.</summary>
/// <param name="Hosts">One server, or several nodes of a cluster; host names as they were given, ports 6379 where none is.</param>
/// <param name="Password">Percent-decoded; null: none is sent.</param>
internal sealed record RedisUrl(IReadOnlyList<(string Host, int Port)> Hosts, Secret? Password, int Database, bool IsTls)
{
    private const int DefaultPort = 6379;

    /// <summary>For a log: where it is, and nothing else.</summary>
    public override string ToString() =>
        $"{(IsTls ? "rediss" : "redis")}://{string.Join(',', Hosts.Select(host => host.Host.Contains(':', StringComparison.Ordinal) ? $"[{host.Host}]:{host.Port}" : $"{host.Host}:{host.Port}"))}/{Database}";

    public bool IsSameServer(RedisUrl other) => Hosts.SequenceEqual(other.Hosts);

    /// <param name="problem">What is wrong, as the rest of a sentence; never a part of the text, which may be a password.</param>
    /// <returns>Null where it is wrong.</returns>
    public static RedisUrl? Parse(string text, out string? problem)
    {
        var (isTls, rest) = text.StartsWith("rediss://", StringComparison.OrdinalIgnoreCase) ? (true, text["rediss://".Length..])
            : text.StartsWith("redis://", StringComparison.OrdinalIgnoreCase) ? (false, text["redis://".Length..])
            : (false, null);
        if (rest is null)
        {
            problem = "must begin with redis:// or rediss://";
            return null;
        }

        if (rest.AsSpan().IndexOfAny('?', '#') >= 0)
        {
            problem = "has options behind '?' or '#', which are not taken; such a character in the password is written %3F or %23";
            return null;
        }

        // An '@' or '/' in a password is written %40 or %2F, so the last '@' ends it.
        var at = rest.LastIndexOf('@');
        var password = PasswordOf(at < 0 ? null : rest[..at], out problem);
        if (problem is not null)
        {
            return null;
        }

        var place = rest[(at + 1)..].TrimEnd('/');
        var slash = place.IndexOf('/', StringComparison.Ordinal);
        var database = 0;
        if (slash >= 0 && !int.TryParse(place[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out database))
        {
            problem = "has something behind the host that is no number of a database";
            return null;
        }

        if (at >= 0 && rest[..at].LastIndexOf('@') is var other and >= 0 && rest[other..at].Contains(',', StringComparison.Ordinal))
        {
            problem = "has credentials before several hosts; write them once, before the first";
            return null;
        }

        var hosts = (slash < 0 ? place : place[..slash]).Split(',').Select(HostOf).ToList();
        if (hosts.Any(host => host is null))
        {
            problem = "has a host that is none: host, host:port or [IPv6]:port, several with commas between them";
            return null;
        }

        if (hosts.Count > 1 && database != 0)
        {
            problem = "names a database, and a cluster has the database 0 only";
            return null;
        }

        return new RedisUrl([.. hosts.Select(host => host!.Value)], password, database, isTls);
    }

    /// <summary>No part of it may be shown.</summary>
    private static Secret? PasswordOf(string? credentials, out string? problem)
    {
        problem = null;
        if (credentials is null)
        {
            return null;
        }

        var colon = credentials.IndexOf(':', StringComparison.Ordinal);
        var user = Uri.UnescapeDataString(colon < 0 ? credentials : credentials[..colon]);
        if (user is not ("" or "default"))
        {
            problem = colon < 0
                ? "has something before '@' without ':', which is the name of a user; a password alone is written redis://:password@host"
                : "names a user other than 'default', and this client can send a password only; give the user 'default' the password and the rights";
            return null;
        }

        var password = colon < 0 ? "" : Uri.UnescapeDataString(credentials[(colon + 1)..]);
        return password.Length == 0 ? null : new Secret(password);
    }

    private static (string Host, int Port)? HostOf(string text)
    {
        var (host, port) = text.StartsWith('[') && text.IndexOf(']', StringComparison.Ordinal) is var end and > 0
            ? (text[1..end], text[(end + 1)..])
            : text.IndexOf(':', StringComparison.Ordinal) is var colon and >= 0 ? (text[..colon], text[colon..]) : (text, "");
        var isPort = port.Length == 0 || (port[0] == ':' && ushort.TryParse(port.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var given) && given > 0);
        var isHost = Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4 || IPAddress.TryParse(host, out _);
        return isPort && isHost ? (host, port.Length == 0 ? DefaultPort : int.Parse(port.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture)) : null;
    }
}
