using System.Globalization;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway.Dashboard;

/// <summary>A bar of a request's picture.</summary>
/// <param name="Kind"><c>whole</c>, <c>step</c>, <c>image</c>, <c>failed</c> or <c>skipped</c>.</param>
/// <param name="X">Where it begins, as a share of the width in percent.</param>
/// <param name="Said">What upstream said.</param>
internal sealed record Lane(string Kind, string Name, string Detail, string Time, string X, string Width, string? Said, string? Decision);

/// <summary>A request's story as a picture: the whole, what went on here before upstream was asked, and each attempt.</summary>
internal static class Timeline
{
    public static IReadOnlyList<Lane> Of(StoryBody story)
    {
        var whole = Math.Max(0.1, story.DurationMs);
        List<Lane> lanes = [LaneOf("whole", "Request", $"{story.Asked.Method} {story.Asked.Path}", 0, story.DurationMs)];
        if (story.Generation is not { Attempts: { Count: > 0 } attempts } generation)
        {
            lanes.Add(LaneOf("step", story.Cache?.Result switch
            {
                "HIT" => "Kept picture",
                "COALESCED" => "Waited for an equal request",
                _ => story.Generation is null ? "Decided here" : "Waited for upstream",
            }, story.Cache?.Why ?? "", 0, story.DurationMs));
            return lanes;
        }

        var first = attempts[0].StartMs;
        if (first > 0)
        {
            lanes.Add(LaneOf("step", "Checked, counted, looked up", story.Cache?.Why ?? "", 0, first));
        }

        foreach (var attempt in attempts)
        {
            var took = attempt.DurationMs ?? Math.Max(0, whole - attempt.StartMs);
            var kind = attempt.IsSkipped ? "skipped" : attempt.Failure is null ? "image" : "failed";
            lanes.Add(LaneOf(kind, attempt.IsSkipped ? "Skipped" : attempt.Failure is null ? attempt.DurationMs is null ? "Under way" : "Picture" : Spaced(attempt.Failure), Where(attempt), attempt.StartMs, took) with
            {
                Said = attempt.Said is { } said ? $"“{said}”" : attempt.Flaw is { } flaw ? $"Its answer {flaw}." : null,
                Decision = attempt.Failure is not null || attempt.IsSkipped ? attempt.Decision : null,
            });
        }

        var last = attempts.Max(attempt => attempt.StartMs + (attempt.DurationMs ?? Math.Max(0, whole - attempt.StartMs)));
        if (story.DurationMs - last > whole / 100)
        {
            lanes.Add(LaneOf("step", generation.HasEnded ? "Kept, counted, answered" : "Waited no longer", "", last, story.DurationMs - last));
        }

        return lanes;

        Lane LaneOf(string kind, string name, string detail, double start, double took) => new(
            kind, name, detail, start > 0 ? $"+{StoryWords.Seconds(start)}, {StoryWords.Seconds(took)}" : StoryWords.Seconds(took),
            Percent(Math.Min(0.992, Math.Max(0, start) / whole)), Percent(Math.Max(0.008, Math.Min(took + Math.Min(0, start), whole - Math.Max(0, start)) / whole)), Said: null, Decision: null);
    }

    public static IEnumerable<(string Name, string Value)> Decided(StoryBody story)
    {
        yield return ("Served by", story.Served?.Model ?? "no model: it was answered before one was chosen");
        if (story.Served is { } served)
        {
            yield return ("Rule", served.Rule switch
            {
                null => "the requested model serves",
                "entitlement" => $"substitution: the tier lacks {served.Because}",
                _ => $"fallback: {served.Because ?? "the model's breaker was open"}",
            });
            if (served.ChangedParameters is { } names)
            {
                yield return ("Changed", string.Join(", ", names));
            }
        }

        if (story.Cache is { } cache)
        {
            yield return ("Cache", $"{(cache.Result is null ? "" : $"{cache.Result}: ")}{cache.Why}{(cache.AgeSeconds is { } age ? $", {StoryWords.Duration(age)} before" : "")}");
        }

        if (story.Refusal is { Limits: { } limits })
        {
            yield return ("Refused by", string.Join(", ", limits));
        }

        if (story.Units is { } units)
        {
            yield return ("Units", units.ToString(CultureInfo.InvariantCulture));
        }

        if (story.Cost is { } cost)
        {
            yield return ("Cost", $"{Words.Money(cost.Spent, cost.Currency)}; {Words.Money(cost.SavedByCache + cost.SavedBySubstitution, cost.Currency)} saved");
        }
    }

    public static IEnumerable<(string Name, string Value)> Asked(StoryBody story) => new (string, string?)[]
    {
        ("Model", story.Asked.Model), ("Caller", story.Caller ?? "nobody the gateway knows"), ("User", story.User), ("Tier", story.Tier),
        ("Body", story.Asked.BodyBytes is { } bytes ? Words.Bytes(bytes) : null), ("Prompt", story.Asked.PromptBytes is { } prompt ? Words.Bytes(prompt) : null),
        ("Settings", story.Settings is { } number ? $"number {number.ToString(CultureInfo.InvariantCulture)}" : null), ("Replica", story.Replica), ("Trace", story.TraceId),
    }.Where(fact => fact.Item2 is not null).Select(fact => (fact.Item1, fact.Item2!));

    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * Math.Clamp(share, 0, 1):0.##}%");

    private static string Where(AttemptBody attempt) =>
        $"{attempt.Model}{(attempt.Upstream is null ? "" : $" at {attempt.Upstream}")}{(attempt.Status is { } status ? string.Create(CultureInfo.InvariantCulture, $" · {status}") : "")}"
        + (attempt.Polls is { } polls ? string.Create(CultureInfo.InvariantCulture, $" · asked after {polls} times") : "");

    private static string Spaced(string name) => string.Concat(name.Select((letter, i) => i > 0 && char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : $"{letter}"));
}
