using System.Text.Json;

namespace Lumiku.Gateway.Commands.Rehearsal;

/// <summary>The requests of a log that can be replayed, and how many lines are something else.</summary>
/// <param name="Requests">In the order of their lines, which is that of their ends.</param>
/// <param name="PassedOver">Lines of requests that name no model or were refused before their tier was known, or of releases that said less.</param>
/// <param name="Broken">Lines that are no JSON, or not of the kind that the gateway writes.</param>
internal sealed record LoggedRequests(IReadOnlyList<LoggedRequest> Requests, int PassedOver, int Broken)
{
    /// <exception cref="IOException">The log cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Neither may it.</exception>
    public static LoggedRequests Read(string path) => Of(File.ReadLines(path));

    public static LoggedRequests Of(IEnumerable<string> lines)
    {
        List<LoggedRequest> requests = [];
        var (passedOver, broken) = (0, 0);
        foreach (var line in lines.Where(line => !string.IsNullOrWhiteSpace(line)))
        {
            try
            {
                var request = JsonSerializer.Deserialize(line, LoggedRequestJson.Default.LoggedRequest);
                if (request is { CanBeReplayed: true })
                {
                    requests.Add(request);
                }
                else if (request is { Outcome.Length: > 0 })
                {
                    passedOver++;
                }
            }
            catch (JsonException)
            {
                broken++;
            }
        }

        return new LoggedRequests(requests, passedOver, broken);
    }
}
