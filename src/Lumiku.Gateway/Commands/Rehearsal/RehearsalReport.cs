using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands.Rehearsal;

/// <summary>What settings would have changed for the requests of a log.</summary>
/// <param name="From">When the first of them began; null where there is none.</param>
/// <param name="To">When the last of them ended.</param>
/// <param name="PassedOver">Other requests' lines.</param>
/// <param name="Broken">Lines that cannot be read.</param>
/// <param name="Rows">All of them, by tier and model.</param>
internal sealed record RehearsalReport(
    string Log, int Requests, DateTimeOffset? From, DateTimeOffset? To, int PassedOver, int Broken, IReadOnlyList<RehearsalRow> Rows, RehearsalRow Total, string Assumed)
{
    private const string Assumptions =
        "Assumed: callers ask as they did, and images come from the cache or from running generations as they did. Who was refused and would not be "
        + "has an image made, which is charged and takes the model's usual time. Upstream fails as it did. Whoever left is charged. "
        + "Units that were used before the log begins are known from it; buckets of requests are full then, and grants count for nothing.";

    /// <param name="knowsEveryCaller"><inheritdoc cref="Replay" path="/param[@name='knowsEveryCaller']"/></param>
    public static async Task<RehearsalReport> OfAsync(string log, LoggedRequests logged, GatewaySettings candidate, bool knowsEveryCaller)
    {
        using var replay = new Replay(candidate, knowsEveryCaller);
        var requests = logged.Requests;
        var verdicts = await replay.RunAsync(requests);
        List<RehearsalRow> rows = [.. requests.Zip(verdicts)
            .GroupBy(pair => (Tier: pair.First.Tier!, Model: candidate.Models.Find(pair.First.ModelId!)?.Id ?? pair.First.ModelId!))
            .OrderBy(row => row.Key.Tier, StringComparer.Ordinal).ThenBy(row => row.Key.Model, StringComparer.OrdinalIgnoreCase)
            .Select(row => RehearsalRow.Of(row.Key.Tier, row.Key.Model, [.. row]))];
        return new RehearsalReport(
            log,
            requests.Count,
            requests.Count == 0 ? null : requests.Min(request => request.Began),
            requests.Count == 0 ? null : requests.Max(request => request.Ended),
            logged.PassedOver,
            logged.Broken,
            rows,
            RehearsalRow.Of("total", "", [.. requests.Zip(verdicts)]),
            Assumptions);
    }
}

/// <param name="Then">As the log says.</param>
/// <param name="Now">As it would have been.</param>
internal sealed record RehearsalRow(string Tier, string Model, int Requests, RehearsalCounts Then, RehearsalCounts Now)
{
    public static RehearsalRow Of(string tier, string model, IReadOnlyCollection<(LoggedRequest Request, Verdict Now)> pairs) => new(
        tier, model, pairs.Count, RehearsalCounts.Of(pairs.Select(pair => pair.Request.Then)), RehearsalCounts.Of(pairs.Select(pair => pair.Now)));

    /// <summary>Whether it would have been otherwise.</summary>
    public bool Differs() => !Then.IsSameAs(Now);
}

/// <param name="Refusals">By the error's type; those that there are.</param>
internal sealed record RehearsalCounts(SortedDictionary<string, int> Refusals, int Substitutions, long Units)
{
    public static RehearsalCounts Of(IEnumerable<Verdict> verdicts)
    {
        SortedDictionary<string, int> refusals = new(StringComparer.Ordinal);
        var (substitutions, units) = (0, 0L);
        foreach (var verdict in verdicts)
        {
            if (verdict.Refusal is { } type)
            {
                refusals[type] = refusals.GetValueOrDefault(type) + 1;
            }

            substitutions += verdict.Substitution is null ? 0 : 1;
            units += verdict.Units;
        }

        return new RehearsalCounts(refusals, substitutions, units);
    }

    public bool IsSameAs(RehearsalCounts other) => Substitutions == other.Substitutions && Units == other.Units && Refusals.SequenceEqual(other.Refusals);
}
