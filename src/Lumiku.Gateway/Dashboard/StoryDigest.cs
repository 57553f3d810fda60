using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway.Dashboard;

/// <summary>The stories that are kept, counted by model, tier and user. Made when a page asks, at most every two seconds for all pages together.</summary>
internal sealed class StoryDigest(RecentStories stories, TimeProvider time)
{
    /// <summary>Rows of the grid.</summary>
    public const int MostRows = 1_000;

    private const int MostUsers = 50;
    private const int MostPictures = 4;

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private Digest? _last;
    private long _lastAt;

    public Digest Current
    {
        get
        {
            lock (_lock)
            {
                if (_last is null || time.GetElapsedTime(_lastAt) >= Pace)
                {
                    (_last, _lastAt) = (Make(), time.GetTimestamp());
                }

                return _last;
            }
        }
    }

    private Digest Make()
    {
        var newest = stories.All.OrderByDescending(story => story.At).ToList();
        Dictionary<Owner, string> names = [];
        List<RequestRow> rows = [.. newest.Take(MostRows).Select(story => RequestRow.Of(story, WhoAsked(story)))];

        var since = time.GetUtcNow() - Hour;
        var isWhole = newest.Count < RecentStories.Most || newest[^1].At <= since;
        var recent = newest.Where(story => story.At > since).ToList();
        return new Digest(
            rows, isWhole ? null : recent.LastOrDefault()?.At, recent.Count,
            [.. recent.Where(story => story.RequestedModel is not null || story.ServedModel is not null).GroupBy(story => story.ServedModel ?? story.RequestedModel!, StringComparer.OrdinalIgnoreCase).Select(ModelOf)],
            [.. recent.Where(story => story.Identity is not null).GroupBy(story => story.Identity!.Tier.Name, StringComparer.OrdinalIgnoreCase).Select(TierOf)],
            [.. recent.Where(story => story.Identity is not null).GroupBy(story => story.Identity!.Owner).Select(user => UserOf(user.Key, [.. user]))
                .OrderByDescending(user => user.Units).ThenByDescending(user => user.Requests).Take(MostUsers)]);

        string WhoAsked(RequestStory story)
        {
            if (story.Identity?.Owner is not { } owner)
            {
                return story.Caller ?? Words.Nothing;
            }

            if (!names.TryGetValue(owner, out var name))
            {
                names[owner] = name = NameOf(owner);
            }

            return name;
        }
    }

    /// <summary>A user's hash; of a caller that asks for itself, its name.</summary>
    private static string NameOf(Owner owner) => owner.IsUser ? owner.UserDigits : owner.Id;

    private static ModelDigest ModelOf(IGrouping<string, RequestStory> model) => new(
        model.Key, model.Count(), model.Count(story => story.Outcome == CacheOutcome.Hit), model.Count(story => story.Outcome == CacheOutcome.Coalesced),
        model.Count(story => story.Outcome is CacheOutcome.Miss or CacheOutcome.Bypass), model.Count(story => story.Status >= 500 || story.ErrorType is "upstream-refused" or "parameter-refused" or "model-not-offered"),
        model.Sum(story => story.Cost?.Spent ?? 0),
        [.. model.Where(story => story.Outcome == CacheOutcome.Miss && story.IsStored).Select(story => story.Number).Take(MostPictures)]);

    private static TierDigest TierOf(IGrouping<string, RequestStory> tier)
    {
        var users = tier.GroupBy(story => story.Identity!.Owner).ToList();
        return new TierDigest(
            tier.Key, tier.Count(), users.Count, tier.Sum(story => story.Units), RefusedBy("requests"), RefusedBy("concurrency"), RefusedBy("day"), RefusedBy("month"),
            users.Select(user => ShareOfDay(user)).OfType<double>().DefaultIfEmpty(double.NaN).Max());

        int RefusedBy(string limit) => tier.Count(story => story.Problem?.ViolatedPolicies?.Contains(limit) == true);
    }

    private static UserDigest UserOf(Owner owner, List<RequestStory> requests) => new(
        NameOf(owner), requests[0].Identity!.Tier.Name, requests.Count, requests.Sum(story => story.Units),
        requests.Count(story => story.Problem?.ViolatedPolicies is not null), ShareOfDay(requests));

    /// <summary>What the owner had used of its day when it asked last; null where days are unlimited.</summary>
    private static double? ShareOfDay(IEnumerable<RequestStory> newestFirst) =>
        newestFirst.Select(story => story.Usage).FirstOrDefault(usage => usage is not null) is { } usage && usage.Limits.UnitsPerDay is { } limit and > 0
            ? Math.Min(1, (double)usage.Day.Used / Math.Max(1, limit + usage.Day.Granted)) : null;
}

/// <param name="Rows">The last thousand, newest first.</param>
/// <param name="Since">Not a whole hour is remembered, as there were so many; null: it is.</param>
/// <param name="Count">Requests that all but the rows are of.</param>
internal sealed record Digest(
    IReadOnlyList<RequestRow> Rows, DateTimeOffset? Since, int Count, IReadOnlyList<ModelDigest> Models, IReadOnlyList<TierDigest> Tiers, IReadOnlyList<UserDigest> Users);

/// <param name="Pictures">Numbers of the stories that its last pictures were made for.</param>
internal sealed record ModelDigest(string Model, int Requests, int Hits, int Shared, int Made, int Failed, decimal Spent, IReadOnlyList<uint> Pictures);

/// <param name="PeakOfDay">The most that one user has used of its day, 0 to 1; no number where days are unlimited.</param>
internal sealed record TierDigest(
    string Tier, int Requests, int Users, int Units, int RefusedByRequests, int RefusedByConcurrency, int RefusedByDay, int RefusedByMonth, double PeakOfDay);

/// <param name="Name">A hash; of a caller that asks for itself, its name.</param>
internal sealed record UserDigest(string Name, string Tier, int Requests, int Units, int Refused, double? OfDay);
