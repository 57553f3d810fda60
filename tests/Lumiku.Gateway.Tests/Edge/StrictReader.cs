using System.Globalization;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>Where requests end by the letter of RFC 9112: another reader of the same bytes, to compare the server with.</summary>
/// <remarks>It knows framing alone: what it takes may still be refused. It is as lenient as the server where that changes no boundary: odd names of headers, a plus before a length, odd ends of empty lines before a request.</remarks>
internal static class StrictReader
{
    private const string End = "\r\n";

    /// <returns>Whether whole requests, one or more, end exactly there.</returns>
    public static bool EndsAt(string bytes, int boundary)
    {
        var at = 0;
        while ((at = Skipped(bytes, at)) < boundary)
        {
            if (RequestEnd(bytes, at) is not { } end)
            {
                return false;
            }

            at = end;
        }

        return at == boundary;
    }

    /// <summary>Empty lines before a request, by whatever byte.</summary>
    private static int Skipped(string bytes, int at)
    {
        while (at < bytes.Length && bytes[at] is '\r' or '\n')
        {
            at++;
        }

        return at;
    }

    private static int? RequestEnd(string bytes, int at)
    {
        if (Line(bytes, ref at)?.Split(' ') is not [{ Length: > 0 }, { Length: > 0 } target, var version] || version is not ("HTTP/1.1" or "HTTP/1.0") || target.Any(c => c is <= ' ' or > '~'))
        {
            return null;
        }

        List<(string Name, string Value)> headers = [];
        while (true)
        {
            if (Line(bytes, ref at) is not { } line)
            {
                return null;
            }

            if (line.Length == 0)
            {
                return BodyEnd(bytes, at, version, headers);
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 1 || line.AsSpan(0, colon).ContainsAny(" \t\0") || line.Any(c => c is '\0' or '\r' or '\n'))
            {
                return null;
            }

            headers.Add((line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }
    }

    private static int? BodyEnd(string bytes, int at, string version, List<(string Name, string Value)> headers)
    {
        string[] lengths = [.. Of("Content-Length")], codings = [.. Of("Transfer-Encoding")];
        return (lengths, codings) switch
        {
            ([], []) => at,
            ([var length], []) => IsNumber(length.StartsWith('+') ? length[1..] : length, out var count) && at + count <= bytes.Length ? (int)(at + count) : null,
            ([], [var coding]) when coding.Equals("chunked", StringComparison.OrdinalIgnoreCase) && version == "HTTP/1.1" => ChunksEnd(bytes, at),
            _ => null,
        };

        IEnumerable<string> Of(string name) => headers.Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value);
        static bool IsNumber(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static int? ChunksEnd(string bytes, int at)
    {
        while (true)
        {
            if (Line(bytes, ref at) is not { } line || line.Any(c => c is '\r' or '\n')
                || !long.TryParse(line.Split(';')[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size) || size < 0 || at + size > bytes.Length)
            {
                return null;
            }

            if (size == 0)
            {
                break;
            }

            at += (int)size;
            if (!bytes.AsSpan(at).StartsWith(End))
            {
                return null;
            }

            at += End.Length;
        }

        while (Line(bytes, ref at) is { } trailer)
        {
            if (trailer.Length == 0)
            {
                return at;
            }

            if (trailer.IndexOf(':', StringComparison.Ordinal) < 1)
            {
                return null;
            }
        }

        return null;
    }

    private static string? Line(string bytes, ref int at)
    {
        var end = bytes.IndexOf(End, at, StringComparison.Ordinal);
        if (end < 0)
        {
            return null;
        }

        var line = bytes[at..end];
        at = end + End.Length;
        return line;
    }
}
