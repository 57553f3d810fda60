using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Dashboard;

internal enum Tone
{
    Good,
    Fair,
    Bad,
}

internal static class Tones
{
    /// <summary>Of an answer's status.</summary>
    public static Tone Of(int status) => status switch { < 400 => Tone.Good, < 500 => Tone.Fair, _ => Tone.Bad };

    /// <summary>The class of the style sheet.</summary>
    public static string Class(this Tone tone) => tone.ToString().ToLowerInvariant();
}

/// <summary>Whether all is well, in one sentence; and if not, what to do.</summary>
/// <param name="Link">Where to look, relative to the page; null: nowhere in particular.</param>
internal sealed record Verdict(Tone Tone, string Sentence, string? Advice = null, string? Link = null)
{
    /// <summary>What counts as now: long enough for a share, short enough to be over soon.</summary>
    private const int Now = 5;

    /// <summary>Fewer say nothing.</summary>
    private const int Few = 3;

    /// <summary>The worst that is to be said; of equal ones, what is nearest to its cause.</summary>
    public static Verdict Of(ReplicaSample sample) => WithOthers(sample).Worst;

    /// <inheritdoc cref="Of"/>
    /// <returns>With how many things are to be said besides.</returns>
    public static (Verdict Worst, int Others) WithOthers(ReplicaSample sample) => All(sample).OrderByDescending(verdict => verdict.Tone).ToList() switch
    {
        [var worst, .. var others] => (worst, others.Count),
        _ => (new Verdict(Tone.Good, sample.Sum(Counted.Requests) == 0 ? "All is well. Nobody has asked for a picture within the last hour." : "All is well."), 0),
    };

    private static IEnumerable<Verdict> All(ReplicaSample sample)
    {
        if (sample.Refused is [var mistake, ..])
        {
            yield return new(Tone.Bad, $"The settings file is not in force: settings {sample.Settings} serve on.", $"Correct the file: {mistake}", "settings");
        }

        foreach (var redis in sample.Redis.Where(redis => redis.Problem is not null))
        {
            yield return new(
                Tone.Bad, redis.Store == "limits" ? "Redis is away: each replica counts limits by itself." : "The Redis that keeps images is away: each replica keeps its own.",
                $"Look after Redis; pictures are served meanwhile. {redis.Problem}.");
        }

        var (requests, failed) = (sample.Sum(Counted.Requests, Now), sample.Sum(Counted.Failed, Now));
        if (failed >= Few && failed * 20 >= requests)
        {
            yield return new(Tone.Bad, $"{failed} of {requests} requests failed within the last five minutes.", "See which, and what upstream said to them.", "requests?outcome=failed");
        }

        if (sample.Sum(Counted.AccountRefused, Now) is var accounts and > 0)
        {
            yield return new(
                Tone.Bad, $"Upstream refused our account {(accounts == 1 ? "once" : $"{accounts} times")} within the last five minutes.",
                "Check the tokens, their permissions and credits; others may have served meanwhile. Models say which upstream is left alone.", "catalog");
        }

        if (sample.Resting.Count > 0)
        {
            yield return new(Tone.Fair, $"{(sample.Resting.Count == 1 ? "A token is" : $"{sample.Resting.Count} tokens are")} resting, as upstream refused {(sample.Resting.Count == 1 ? "its" : "their")} account.",
                $"Check the credits of {string.Join(", ", sample.Resting)}; the others serve meanwhile.");
        }

        if (sample.Breakers.Where(breaker => breaker.IsOpen).ToList() is { Count: > 0 } open)
        {
            yield return new(Tone.Fair, $"{open[0].Model} keeps failing at {open[0].Upstream}: another serves meanwhile{(open.Count > 1 ? $", and {open.Count - 1} more like it" : "")}.",
                "Nothing has to be done unless it lasts; it is tried again by itself.", "catalog");
        }

        var (attempts, broken) = (sample.Sum(Counted.Attempts, Now), sample.Sum(Counted.AttemptsFailed, Now));
        if (broken >= Few && broken * 5 >= attempts)
        {
            yield return new(Tone.Fair, $"Upstream had trouble with {broken} of {attempts} attempts within the last five minutes; the gateway works around it.", "See which models.", "catalog");
        }

        if (requests >= 20 && sample.Sum(Counted.Refused, Now) is var refused && refused * 4 >= requests)
        {
            yield return new(Tone.Fair, $"Limits refused {refused} of {requests} requests within the last five minutes.", "See which tier and limit; give it more if that is not meant.", "tiers");
        }

        if (sample.IsDraining)
        {
            yield return new(Tone.Fair, "This replica is stopping: it finishes what runs and takes nothing new.");
        }
    }
}
