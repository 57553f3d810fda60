using System.Globalization;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>The parts of a story's page below its sentences. Widths are attributes of SVG, as the page's policy forbids styles in elements.</summary>
internal static class StorySections
{
    /// <summary>The least of a bar that can be seen.</summary>
    private const double Visible = 0.8;

    public static void Facts(Html html, StoryBody story)
    {
        html.Raw("<div class=\"columns\"><section class=\"card\"><h2>Asked</h2><dl>");
        Fact(html, "Request", $"{story.Asked.Method} {story.Asked.Path}");
        Fact(html, "Model", story.Asked.Model);
        Fact(html, "Caller", story.Caller ?? "nobody the gateway knows");
        Fact(html, "User", story.User);
        Fact(html, "Tier", story.Tier);
        Fact(html, "Body", story.Asked.BodyBytes is { } bytes ? Bytes(bytes) + (story.Asked.PromptBytes is { } prompt ? $", {Bytes(prompt)} of it the prompt" : "") : null);
        Fact(html, "Settings", story.Settings is { } number ? $"number {number.ToString(CultureInfo.InvariantCulture)}" : null);
        Fact(html, "Replica", story.Replica);
        Fact(html, "Trace", story.TraceId);
        html.Raw("</dl></section><section class=\"card\"><h2>Decided</h2><dl>");
        Fact(html, "Served by", story.Served?.Model ?? "no model: it was answered before one was chosen");
        Fact(html, "Rule", story.Served switch
        {
            null => null,
            { Rule: null } => "the requested model",
            { Rule: "entitlement" } served => $"substitution: the tier lacks {served.Because}",
            { } served => $"fallback: {served.Because ?? "the model's breaker was open"}",
        });
        Fact(html, "Changed", story.Served?.ChangedParameters is { } names ? string.Join(", ", names) : null);
        Fact(html, "Cache", story.Cache is { } cache ? $"{(cache.Result is null ? "" : $"{cache.Result}: ")}{cache.Why}{(cache.AgeSeconds is { } age ? $", {StoryWords.Duration(age)} before" : "")}" : null);
        Fact(html, "Units", story.Units is { } units ? units.ToString(CultureInfo.InvariantCulture) : null);
        Fact(html, "Cost", story.Cost is { } cost
            ? string.Create(CultureInfo.InvariantCulture, $"{cost.Spent} {cost.Currency}; {cost.SavedByCache + cost.SavedBySubstitution} {cost.Currency} saved")
            : null);
        Fact(html, "Refused by", story.Refusal?.Limits is { } refused ? string.Join(", ", refused) : null);
        Fact(html, "More", story.Refusal?.Detail is { } detail && detail != story.Refusal.Error ? detail : null);
        html.Raw("</dl></section></div>");
    }

    public static void Attempts(Html html, StoryBody story)
    {
        if (story.Generation is not { } generation)
        {
            return;
        }

        html.Raw("<section class=\"card\"><h2>Upstream</h2><p class=\"note\">").Text(generation.Role switch
        {
            "opened" => "This request began the generation.",
            "shared" => "The generation was shared with other requests for the same image.",
            _ => "The request was streamed through.",
        });
        html.Text(generation.OfAnotherReplica ? " Another replica had it made, and tells its attempts." : generation.Attempts.Count == 0 && generation.Role != "passed through" ? " Upstream was not asked." : "");
        html.Text(generation.LeftOut > 0 ? $" {generation.LeftOut} attempts in the middle are left out." : "").Raw("</p>");
        if (generation.Attempts.Count == 0)
        {
            html.Raw("</section>");
            return;
        }

        var from = Math.Min(0, generation.Attempts.Min(attempt => attempt.StartMs));
        var span = Math.Max(story.DurationMs, generation.Attempts.Max(attempt => attempt.StartMs + (attempt.DurationMs ?? 0))) - from;
        html.Raw("<ol class=\"timeline\">");
        foreach (var attempt in generation.Attempts)
        {
            Attempt(html, attempt, from, Math.Max(1, span));
        }

        html.Raw("</ol></section>");
    }

    public static void Limits(Html html, StoryBody story)
    {
        if (story.Limits is not { Count: > 0 } limits)
        {
            return;
        }

        html.Raw("<section class=\"card\"><h2>Limits at that moment</h2><ul class=\"limits\">");
        foreach (var limit in limits)
        {
            var whole = limit.Burst ?? limit.Limit;
            html.Raw("<li><p><b>").Text(limit.Name).Raw("</b> ").Text(Left(limit)).Raw(limit.Refused ? " <span class=\"refused\">refused</span>" : "").Raw("</p>");
            Bar(html, limit.Refused ? "fill bad" : "fill", 0, whole == 0 ? 0 : 100d * limit.Left / whole);
            html.Raw("</li>");
        }

        html.Raw("</ul></section>");
    }

    private static void Attempt(Html html, AttemptBody attempt, double from, double span)
    {
        var end = attempt.DurationMs ?? (from + span - attempt.StartMs);
        html.Raw("<li><p><b>").Text(attempt.IsSkipped ? "Skipped" : attempt.Failure is null ? attempt.DurationMs is null ? "Under way" : "Image" : Words(attempt.Failure)).Raw("</b> <span>")
            .Text($"{attempt.Model}{Where(attempt)}{(attempt.Status is { } status ? $" · {status.ToString(CultureInfo.InvariantCulture)}" : "")}{How(attempt)}")
            .Raw("</span><span class=\"when\">").Text($"{(attempt.StartMs < 0 ? "−" : "+")}{StoryWords.Seconds(Math.Abs(attempt.StartMs))}, {(attempt.DurationMs is { } took ? StoryWords.Seconds(took) : "not over")}").Raw("</span></p>");
        Bar(html, attempt.Failure is null ? "fill good" : "fill bad", 100 * (attempt.StartMs - from) / span, 100 * end / span);
        if ((attempt.Said ?? attempt.Flaw) is { } said)
        {
            html.Raw("<p class=\"said\">").Text(attempt.Said is null ? $"Its answer {said}." : $"“{said}”").Raw("</p>");
        }

        if (attempt.Failure is not null || attempt.IsSkipped)
        {
            html.Raw("<p class=\"decision\">→ ").Text(attempt.Decision).Raw("</p>");
        }

        html.Raw("</li>");
    }

    /// <summary>The upstream, and which of its destinations, as far as they are known.</summary>
    private static string Where(AttemptBody attempt) =>
        attempt.Upstream is null ? attempt.Destination is null ? "" : $" at {attempt.Destination}" : $" at {attempt.Upstream}{(attempt.Destination is null ? "" : $" ({attempt.Destination})")}";

    private static string How(AttemptBody attempt) =>
        (attempt.Polls is { } polls ? $" · asked after {(polls == 1 ? "once" : string.Create(CultureInfo.InvariantCulture, $"{polls} times"))}" : "")
        + (attempt.FetchedFrom is null ? "" : $" · image fetched from {attempt.FetchedFrom}");

    private static void Bar(Html html, string tone, double from, double width) => html
        .Raw("<svg class=\"bar\" aria-hidden=\"true\" width=\"100%\" height=\"8\"><rect class=\"track\" width=\"100%\" height=\"8\" rx=\"4\"/><rect class=\"").Raw(tone).Raw("\" x=\"").Percent(Math.Min(from, 100 - Visible))
        .Raw("\" width=\"").Percent(width <= 0 ? 0 : Math.Max(width, Visible)).Raw("\" height=\"8\" rx=\"4\"/></svg>");

    private static string Left(LimitBody limit)
    {
        var of = limit.Name == "requests" ? $"{limit.Left} of {limit.Burst} in one go left, {limit.Limit} a minute" : $"{limit.Left} of {limit.Limit} left";
        return limit.ResetsIn is not { } seconds || seconds == 0 ? of
            : limit.Name == "requests" ? $"{of}; one more in {StoryWords.Duration(seconds)}" : $"{of}; anew in {StoryWords.Duration(seconds)}";
    }

    private static void Fact(Html html, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            html.Raw("<dt>").Raw(name).Raw("</dt><dd>").Text(value).Raw("</dd>");
        }
    }

    /// <summary>The name of a class of failure, as words.</summary>
    private static string Words(string name) => string.Concat(name.Select((letter, i) => i > 0 && char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : $"{letter}"));

    private static string Bytes(int bytes) => bytes < 10_000 ? string.Create(CultureInfo.InvariantCulture, $"{bytes} B") : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1000} kB");
}
