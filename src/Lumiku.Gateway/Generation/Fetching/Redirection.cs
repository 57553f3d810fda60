using System.Net;

namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>Where an answer sends us on to.</summary>
internal static class Redirection
{
    /// <returns>A URL as the server wrote it, where it wrote a whole one: it is judged by its own letters. Null where the answer is no redirect; an empty text where it leads nowhere.</returns>
    public static string? Of(HttpResponseMessage answer, Uri from)
    {
        if (answer.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect))
        {
            return null;
        }

        if (!answer.Headers.NonValidated.TryGetValues("Location", out var values) || values.Count != 1)
        {
            return "";
        }

        var location = values.ToString();
        return location.Length == 0 || HasScheme(location) || location.Contains('\\', StringComparison.Ordinal) ? location
            : Uri.TryCreate(from, location, out var next) ? next.OriginalString
            : "";
    }

    private static bool HasScheme(string location) =>
        location.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && !location.AsSpan(0, colon).ContainsAny("/?#");
}
