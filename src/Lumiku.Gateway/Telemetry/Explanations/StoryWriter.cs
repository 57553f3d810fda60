using System.Security.Cryptography;
using System.Text;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>Writes down what a request noted on its way.</summary>
internal sealed class StoryWriter(TimeProvider time)
{
    private const int MostNames = 16;

    /// <summary>Changes with each process, so that nobody can try prompts out on what is made with it.</summary>
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    /// <summary>The name that this process gives itself.</summary>
    public string Replica { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));

    /// <param name="attempts">The most attempts to tell.</param>
    /// <param name="said">The most characters of what upstream said each time.</param>
    public StoryBody Write(RequestStory story, int attempts = int.MaxValue, int said = int.MaxValue) => new(
        $"{Replica}-{story.Number}", story.RequestId, story.At, Round(story.Elapsed), story.Status, story.IsCallerGone ? "caller gone" : story.ErrorType ?? "ok",
        story.Caller, story.Identity is { User: not null } user ? user.Owner.LogName : null, story.Identity?.Tier.Name,
        new AskedBody(story.Method, RequestLog.Printable(story.Path), story.RequestedModel, story.BodyBytes, story.PromptBytes, Likeness(story.Terms)))
    {
        Served = ServedOf(story),
        Refusal = story.Problem is null || story.IsCallerGone ? null : RefusalOf(story.Problem),
        Cache = story.Terms is null ? null : CacheOf(story, story.Terms),
        Generation = new GenerationWriter(time, story, attempts, said).Write(),
        Units = story.Terms is null ? null : story.Units,
        Cost = story.Cost is { } cost ? new CostBody(cost.Spent, cost.SavedByCache, cost.SavedBySubstitution, story.Currency) : null,
        Limits = story.Usage is { } usage ? LimitsOf(usage, story.Applying, story.Problem?.ViolatedPolicies ?? []) : null,
        Settings = story.Settings,
        Replica = Replica,
        TraceId = story.TraceId?.ToHexString(),
    };

    private static ServedBody? ServedOf(RequestStory story)
    {
        if (story.Choice is not { } choice)
        {
            return null;
        }

        var fallback = story.Flight?.Fallback;
        var served = story.ServedModel ?? choice.Served.Id;
        var changed = served == choice.Served.Id ? story.ChangedParameters : fallback?.ChangedParameters ?? [];
        return served != choice.Served.Id ? new(served, ModelChoice.ByUpstream, fallback?.Because?.ToString(), Names(changed))
            : choice.IsSubstituted ? new(served, ModelChoice.ByEntitlement, choice.Requested.Options.Requires, Names(changed))
            : new(served, Rule: null, Because: null, Names(changed));
    }

    /// <summary>A sentence with upstream's words in it may quote the prompt: the attempts tell those without.</summary>
    private static RefusalBody RefusalOf(GatewayProblem problem)
    {
        var quotes = problem.Upstream?.Error is { } said && problem.Error.Contains(said, StringComparison.Ordinal);
        return new(
            quotes ? "Upstream brought no image." : problem.Error,
            quotes ? null : problem.Detail,
            problem.RetryAfter is { } wait ? GatewayProblem.WholeSeconds(wait) : null,
            problem.ViolatedPolicies);
    }

    private static CacheBody CacheOf(RequestStory story, CacheTerms terms)
    {
        var bypass = terms.IsPrivate ? "the request said no-store (or X-Use-Cache: false): nothing is read, kept or shared" : null;
        var unread = !terms.Reads ? "not read, as the request said no-cache" : null;
        var retryOnly = !terms.IsReusable ? "there is no seed, and Cache:Unseeded is RetryOnly: a kept image is for who asked for it and never received it" : null;
        return story.Outcome switch
        {
            CacheOutcome.Hit => new("HIT", story.Flight?.Fallback is null ? "an equal request's image was kept" : "the fallback's image was kept", (long)story.Age.GetValueOrDefault().TotalSeconds),
            CacheOutcome.Bypass => new("BYPASS", bypass ?? "", AgeSeconds: null),
            CacheOutcome.Coalesced => new("COALESCED", $"an equal request's generation was under way and was shared{After(unread)}", AgeSeconds: null),
            CacheOutcome.Miss => new("MISS", $"{unread ?? retryOnly ?? "no image was kept for an equal request"}; {(story.IsStored ? "it is kept from now on" : "it is not kept for others")}", AgeSeconds: null),
            _ => new(Result: null, bypass ?? unread ?? retryOnly ?? "no image was kept for an equal request", AgeSeconds: null),
        };
    }

    private static string After(string? reason) => reason is null ? "" : $"; {reason}";

    private static List<LimitBody> LimitsOf(in LimitUsage usage, LimitPolicies applying, IReadOnlyList<string> refused)
    {
        List<LimitBody> limits = [];
        Add(LimitPolicies.Requests, "requests", usage.Limits.RequestsPerMinute, usage.Limits.BucketSize, usage.RequestsLeft, RateLimitHeaders.Seconds(usage.NextRequestIn));
        Add(LimitPolicies.Concurrency, "concurrency", usage.Limits.ConcurrentRequests, burst: null, Math.Max(0, (usage.Limits.ConcurrentRequests ?? 0) - usage.Running), resetsIn: null);
        Add(LimitPolicies.Day, "day", usage.Limits.UnitsPerDay, burst: null, usage.Day.Left(usage.Limits.UnitsPerDay) ?? 0, RateLimitHeaders.Seconds(usage.DayEndsIn));
        Add(LimitPolicies.Month, "month", usage.Limits.UnitsPerMonth, burst: null, usage.Month.Left(usage.Limits.UnitsPerMonth) ?? 0, RateLimitHeaders.Seconds(usage.MonthEndsIn));
        return limits;

        void Add(LimitPolicies policy, string name, int? limit, int? burst, long left, long? resetsIn)
        {
            if (applying.HasFlag(policy) && limit is { } most)
            {
                limits.Add(new LimitBody(name, most, burst, left, resetsIn, refused.Contains(name)));
            }
        }
    }

    private string? Likeness(CacheTerms? terms) =>
        terms is null ? null : Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(terms.Key.ToString())))[..12];

    private static IReadOnlyList<string>? Names(IReadOnlyList<string> names) => names.Count == 0 ? null : [.. names.Distinct().Order(StringComparer.Ordinal).Take(MostNames)];

    public static double Round(TimeSpan span) => Math.Round(span.TotalMilliseconds, 1);
}
