using System.Globalization;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>Writes down a generation as one of its requests saw it.</summary>
internal sealed class GenerationWriter(TimeProvider time, RequestStory story, int most, int said)
{
    /// <summary>Decided of an upstream that was not asked.</summary>
    public const string Skipped = "not asked: its breaker is open";

    public GenerationBody? Write()
    {
        if (story.Flight is not { } flight)
        {
            return story.PassedFailure is null && (story.UpstreamTime is null || story.Terms is not null) ? null : PassedThrough();
        }

        var hasEnded = flight.HasEnded;
        var fallback = flight.Fallback;
        // The fallback's own flight goes on where this one has given up on its model.
        List<AttemptBody> attempts = [.. Tell(flight, hasEnded, fallback is not null)];
        if (fallback?.Flight is { } other)
        {
            attempts.AddRange(Tell(other, other.HasEnded, other.Fallback is not null));
        }

        var leftOut = flight.LeftOut + (fallback?.Flight?.LeftOut ?? 0) + Math.Max(0, attempts.Count - most);
        while (attempts.Count > most)
        {
            attempts.RemoveAt(most / 2);
        }

        return new GenerationBody(
            story.HasOpened ? "opened" : "shared", hasEnded, flight.IsOfAnotherReplica, Upstream(), attempts, leftOut,
            fallback is null ? null : new FallbackBody(fallback.Model, fallback.Because?.ToString(), fallback.ChangedParameters.Count == 0 ? null : fallback.ChangedParameters));
    }

    private GenerationBody PassedThrough()
    {
        AttemptBody[] attempts = story.PassedFailure is not { } failure ? []
            : [new(story.ServedModel ?? story.RequestedModel ?? "", Upstream: null, Destination: null, 0, Upstream(), failure.Status, failure.Class.ToString(), Said: null, failure.Flaw, "told the caller")];
        return new GenerationBody("passed through", HasEnded: true, OfAnotherReplica: false, Upstream(), attempts, LeftOut: 0, Fallback: null);
    }

    private IEnumerable<AttemptBody> Tell(FlightStory flight, bool hasEnded, bool hasFallback)
    {
        var attempts = flight.Attempts;
        for (var i = 0; i < attempts.Count; i++)
        {
            var attempt = attempts[i];
            var next = i + 1 < attempts.Count ? attempts[i + 1] : null;
            yield return new AttemptBody(
                attempt.Model, attempt.Upstream, attempt.Destination, Since(story.Started, attempt.Began), attempt.Ended is { } ended ? Since(attempt.Began, ended) : null,
                attempt.Status, attempt.Failure?.ToString(), Cut(attempt.Said), attempt.Flaw, Decide(attempt, next, hasEnded, hasFallback),
                attempt.Polls > 0 ? attempt.Polls : null, attempt.FetchedFrom);
        }
    }

    private string Decide(AttemptStory attempt, AttemptStory? next, bool hasEnded, bool hasFallback)
    {
        if (attempt.Ended is not { } ended)
        {
            return hasEnded ? "given up" : "under way";
        }

        if (attempt.IsSkipped)
        {
            return Skipped;
        }

        if (attempt.Failure is null)
        {
            return "an image";
        }

        return next is not null && next.Model == attempt.Model && next.Upstream != attempt.Upstream ? $"next: {next.Upstream}"
            : attempt.IsAskedAgain && next is not null ? string.Create(CultureInfo.InvariantCulture, $"again after {Since(ended, next.Began) / 1000:0.0} s")
            : next is not null || hasFallback ? "fallback"
            : attempt.IsAskedAgain && !hasEnded ? "waits to ask again"
            : attempt.IsAskedAgain ? "waited in vain"
            : "gave up";
    }

    private double? Upstream() => story.UpstreamTime is { } upstream ? StoryWriter.Round(upstream) : null;

    private double Since(long from, long to) => StoryWriter.Round(time.GetElapsedTime(from, to));

    private string? Cut(string? text) => said == 0 ? null : text is null || text.Length <= said ? text : text[..said];
}
