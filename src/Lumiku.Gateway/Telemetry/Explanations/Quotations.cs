using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>Takes the caller's own words out of upstream's: those may quote the prompt, and a story outlives its request.</summary>
internal static partial class Quotations
{
    /// <summary>A shorter piece of a text says nothing.</summary>
    private const int Shortest = 6;

    /// <summary>In longer bodies it is not looked for quotations, and nothing of upstream's words is kept.</summary>
    private const int LongestBody = 64 * 1024;

    private const int Most = 200;
    private const string Masked = "***";

    /// <param name="said">Without secrets already; a few hundred characters.</param>
    /// <returns>At most 200 characters; names of parameters are left, as they say what is wrong.</returns>
    public static string? Mask(string? said, UpstreamRequest request)
    {
        if (said is null)
        {
            return null;
        }

        if (request.MediaType == "application/json")
        {
            if (request.Body.Length is 0 or > LongestBody)
            {
                return null;
            }

            using var body = JsonDocument.Parse(request.Body);
            foreach (var text in Texts(body.RootElement).Select(text => WhiteSpace().Replace(text, " ").Trim()).Distinct().OrderByDescending(text => text.Length))
            {
                said = text.Length >= Shortest ? WithoutPiecesOf(text, said) : text.Length >= 3 ? said.Replace(text, Masked, StringComparison.OrdinalIgnoreCase) : said;
            }
        }

        return said.Length <= Most ? said : said[..(char.IsHighSurrogate(said[Most - 1]) ? Most - 1 : Most)];
    }

    private static string WithoutPiecesOf(string text, string said)
    {
        var shown = new StringBuilder(said.Length);
        for (var i = 0; i < said.Length;)
        {
            var length = Shortest;
            if (i + length > said.Length || !text.Contains(said.Substring(i, length), StringComparison.OrdinalIgnoreCase))
            {
                shown.Append(said[i++]);
                continue;
            }

            while (i + length < said.Length && text.Contains(said.Substring(i, length + 1), StringComparison.OrdinalIgnoreCase))
            {
                length++;
            }

            shown.Append(Masked);
            i += length;
        }

        return shown.ToString();
    }

    private static IEnumerable<string> Texts(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Texts),
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member => (IEnumerable<string>)[.. ParameterName().IsMatch(member.Name) ? [] : new[] { member.Name }, .. Texts(member.Value)]),
        _ => [],
    };

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]{0,39}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ParameterName();

    [GeneratedRegex(@"[\s\p{Cc}]+", RegexOptions.CultureInvariant)]
    private static partial Regex WhiteSpace();
}
