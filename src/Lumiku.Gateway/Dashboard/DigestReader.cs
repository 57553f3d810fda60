using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway.Dashboard;

/// <summary>Counts the stories that this replica keeps, by model, tier and user.</summary>
internal sealed class DigestReader(RecentStories stories, StoryWriter writer, ImageCache cache, TimeProvider time)
{
    private const int MostPictures = 4;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public Digest Read()
    {
        var newest = stories.All.OrderByDescending(story => story.At).ToList();
        OwnerNames names = new();
        List<RequestRow> rows = [.. newest.Take(Digest.MostRows).Select(story => RequestRow.Of(story, story.Identity is { } identity ? names.Of(identity.Owner) : story.Caller ?? Words.Nothing, writer.Replica))];

        var since = time.GetUtcNow() - Hour;
        // The oldest that is remembered: strangers' stories are kept elsewhere, and for longer.
        var ofCallers = newest.Where(story => story.Reader is not null).ToList();
        DateTimeOffset? from = ofCallers.Count >= RecentStories.Most && ofCallers[^1].At > since ? ofCallers[^1].At : null;
        var recent = newest.Where(story => story.At > (from ?? since) && ModelPath.IsBelowModels(story.Path)).ToList();
        return new Digest(
            [writer.Replica], rows, from, recent.Count,
            [.. recent.Where(story => story.RequestedModel is not null || story.ServedModel is not null).GroupBy(story => story.ServedModel ?? story.RequestedModel!, StringComparer.OrdinalIgnoreCase).Select(ModelOf)],
            [.. recent.Where(story => story.Identity is not null).GroupBy(story => story.Identity!.Tier.Name, StringComparer.OrdinalIgnoreCase).Select(tier => TierOf(tier, names))],
            UserDigest.Heaviest(recent.Where(story => story.Identity is not null).GroupBy(story => story.Identity!.Owner).Select(user => UserOf(names.Of(user.Key), [.. user]))));
    }

    private ModelDigest ModelOf(IGrouping<string, RequestStory> model) => new(
        model.Key, model.Count(), model.Count(story => story.Outcome == CacheOutcome.Hit), model.Count(story => story.Outcome == CacheOutcome.Coalesced),
        model.Count(story => story.Outcome is CacheOutcome.Miss or CacheOutcome.Bypass), model.Count(story => story.Status >= 500 || story.ErrorType is "upstream-refused" or "parameter-refused" or "model-not-offered"),
        model.Sum(story => story.Cost?.Spent ?? 0))
    {
        Pictures = [.. model.Where(story => story.Outcome == CacheOutcome.Miss && story.IsStored && story.Terms is { } terms && cache.Contains(terms.Key)).Select(story => story.Number).Take(MostPictures)],
    };

    private static TierDigest TierOf(IGrouping<string, RequestStory> tier, OwnerNames names)
    {
        var users = tier.GroupBy(story => story.Identity!.Owner).ToList();
        return new TierDigest(
            tier.Key, tier.Count(), DistinctUsers.Of(users.Select(user => names.DigitsOf(user.Key))), tier.Sum(story => story.Units), RefusedBy("requests"), RefusedBy("concurrency"), RefusedBy("day"), RefusedBy("month"),
            users.Max(ShareOfDay));

        int RefusedBy(string limit) => tier.Count(story => story.Problem?.ViolatedPolicies?.Contains(limit) == true);
    }

    private static UserDigest UserOf(string name, List<RequestStory> requests) => new(
        name, requests[0].Identity!.Tier.Name, requests.Count, requests.Sum(story => story.Units),
        requests.Count(story => story.Problem?.ViolatedPolicies is not null), ShareOfDay(requests));

    /// <summary>What the owner had used of its day when it asked last; null where days are unlimited.</summary>
    private static double? ShareOfDay(IEnumerable<RequestStory> newestFirst) =>
        newestFirst.Select(story => story.Usage).FirstOrDefault(usage => usage is not null) is { } usage && usage.Limits.UnitsPerDay is { } limit and > 0
            ? Math.Min(1, (double)usage.Day.Used / Math.Max(1, limit + usage.Day.Granted)) : null;

    /// <summary>How owners are called on a page. A user's name is a hash, which is made once.</summary>
    private sealed class OwnerNames
    {
        private readonly Dictionary<Owner, string> _names = [];

        /// <summary>A user's hash; of a caller that asks for itself, its name.</summary>
        public string Of(Owner owner) => _names.TryGetValue(owner, out var name) ? name : _names[owner] = owner.IsUser ? owner.UserDigits : owner.Id;

        /// <summary>Twelve hex digits that no other owner has; a user's are its name.</summary>
        public string DigitsOf(Owner owner) => owner.IsUser ? Of(owner) : TextDigest.Of(owner.ToString(), digits: 12);
    }
}
