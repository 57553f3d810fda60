using System.Globalization;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>A story in two plain sentences: what happened, and what to do.</summary>
internal static class StoryWords
{
    public static StoryBody WithWords(this StoryBody story) => story with { Summary = SummaryOf(story), Advice = AdviceOf(story) };

    private static string SummaryOf(StoryBody story) => story.Outcome switch
    {
        "ok" => Join(Success(story), Choice(story), Moved(story)),
        "caller gone" => Join($"The caller left after {Seconds(story.DurationMs)}, before the answer.", Left(story)),
        _ => Join(story.Refusal?.Error ?? $"It was answered with {story.Status}.", Tried(story), Choice(story)),
    };

    private static string Success(StoryBody story) => story switch
    {
        { Cache.Result: "HIT" } => $"An image that was kept {Age(story.Cache.AgeSeconds)} before was served: upstream was not asked and no unit was charged.",
        { Cache.Result: "COALESCED" } => $"An equal request's generation was under way, and its image was shared after {Seconds(story.DurationMs)}: no unit was charged.",
        { Cache.Result: { } } => $"The image was made for this request in {Seconds(story.DurationMs)}{Times(story)}, and {Units(story.Units)} charged.",
        { Generation: { } } => "The request was streamed through to upstream and back.",
        _ => "It was answered.",
    };

    private static string? Choice(StoryBody story) => story.Served switch
    {
        { Rule: "entitlement" } served => $"'{story.Asked.Model}' needs the entitlement {served.Because}, which the tier '{story.Tier}' lacks, so '{served.Model}' stood in for it.",
        { Rule: "upstream" } served => $"The model that was to serve failed upstream ({served.Because ?? "its breaker was open"}), so its fallback '{served.Model}' was asked.",
        _ => null,
    };

    /// <summary>Which upstreams could not, where another made the image.</summary>
    private static string? Moved(StoryBody story)
    {
        if (story.Generation?.Attempts is not [.., { Failure: null, DurationMs: not null, Upstream: { } maker } last] attempts)
        {
            return null;
        }

        var others = attempts.Where(attempt => attempt.Model == last.Model && attempt.Upstream != maker).GroupBy(attempt => attempt.Upstream)
            .Select(other => $"{other.Key} {(other.Last().IsSkipped ? "was not asked (its breaker is open)" : $"could not make it ({other.Last().Failure})")}").ToList();
        return others.Count == 0 ? null : $"{string.Join(", ", others)}, so {maker} did.";
    }

    private static string? Left(StoryBody story) => story.Generation switch
    {
        null or { Role: "passed through" } => null,
        { HasEnded: false } => "The generation went on without it, and its image is kept for who asks again.",
        _ => "The generation had ended by then.",
    };

    private static string? Tried(StoryBody story) => story.Generation switch
    {
        null => null,
        { OfAnotherReplica: true } => "Another replica had the image made; its attempts are told by the request that began it.",
        { Attempts.Count: 0 } => null,
        { } generation => $"Upstream was asked {Count(generation.Attempts.Count + generation.LeftOut)}; the last answer was {Last(generation.Attempts[^1])}.",
    };

    private static string Last(AttemptBody attempt) => attempt.Failure is null && attempt.DurationMs is null ? "still to come"
        : attempt.Failure is null ? "an image"
        : attempt.Status is { } status ? $"{status} ({attempt.Failure}){(attempt.Said is null ? "" : $", “{attempt.Said}”")}" : attempt.Failure;

    private static string AdviceOf(StoryBody story) => story.Outcome switch
    {
        "ok" when story.Served?.Rule == "upstream" => "Nothing for the caller. The operator may look why the requested model fails.",
        "ok" when story.Served?.Rule == "entitlement" => "Nothing. A tier with the entitlement is served the requested model itself.",
        "ok" when story.Generation?.Attempts.FirstOrDefault(attempt => attempt.Failure == nameof(FailureClass.Account)) is { } refused =>
            $"Nothing for the caller. The operator may look why {refused.Upstream} refuses the account.",
        "ok" => "Nothing.",
        "caller gone" => "Ask the same again to pick the image up. If the caller did not mean to leave, its timeout is shorter than the model's WaitLimit.",
        "quota-exceeded" => $"Wait until units are back{After(story)}, or give the user more: lumiku-gateway limits grant.",
        "rate-limited" or "too-many-at-once" => $"Ask again{After(story)}; fewer at once, or a tier with higher limits.",
        "unauthenticated" => "Send 'Authorization: Bearer <key>' with a key that the settings have under Callers, or an unexpired token.",
        "still-generating" => $"Send the same request again{After(story)}: it picks the image up, and is charged no second time.",
        "parameter-refused" or "upstream-refused" => "Change or leave out the parameter that the message names; Parameters of the model can do that for all callers.",
        "upstream-account" => "For the operator: check the Hugging Face token, its permissions and the credits. Asking again does not help.",
        "model-not-offered" => "Ask for another model, or give this one a Fallback.",
        "model-not-in-tier" => "Ask for another model, give the tier the entitlement, or the model a Substitute.",
        "unknown-route" => "Compare the path with /models/{org}/{name}.",
        "internal" => "For the operator: the log has the reason under this request id.",
        _ when story.Refusal?.RetryAfter is not null => $"Ask again{After(story)}.",
        _ => "Change the request as the message says.",
    };

    private static string After(StoryBody story) => story.Refusal?.RetryAfter is { } wait ? $" after {Duration(wait)}" : "";

    private static string Times(StoryBody story) => story.Generation is { Attempts.Count: > 1 } generation ? $" and {Count(generation.Attempts.Count + generation.LeftOut).Replace(" times", "", StringComparison.Ordinal)} attempts" : "";

    private static string Units(int? units) => units == 1 ? "1 unit was" : $"{units ?? 0} units were";

    private static string Count(int times) => times == 1 ? "once" : string.Create(CultureInfo.InvariantCulture, $"{times} times");

    private static string Join(params string?[] sentences) => string.Join(' ', sentences.Where(sentence => sentence is not null));

    private static string Age(long? seconds) => Duration(seconds ?? 0);

    public static string Seconds(double milliseconds) => milliseconds < 10 ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.0} ms")
        : milliseconds < 1000 ? string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.0} s");

    /// <summary>In the two largest units.</summary>
    public static string Duration(long seconds) => string.Create(CultureInfo.InvariantCulture, $"{Parts(seconds)}");

    private static string Parts(long seconds) => seconds switch
    {
        < 60 => Invariant(seconds, "s"),
        < 3600 => $"{Invariant(seconds / 60, "min")}{Rest(seconds % 60, "s")}",
        < 86_400 => $"{Invariant(seconds / 3600, "h")}{Rest(seconds % 3600 / 60, "min")}",
        _ => $"{Invariant(seconds / 86_400, "d")}{Rest(seconds % 86_400 / 3600, "h")}",
    };

    private static string Rest(long number, string unit) => number == 0 ? "" : $" {Invariant(number, unit)}";

    private static string Invariant(long number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number} {unit}");
}
