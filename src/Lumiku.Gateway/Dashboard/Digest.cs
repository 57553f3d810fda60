using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lumiku.Gateway.Dashboard;

/// <summary>The requests of one replica, or of several, as lists and counted; what replicas tell each other while somebody looks at them.</summary>
/// <param name="Replicas">Of which it is.</param>
/// <param name="Rows">The last thousand, newest first.</param>
/// <param name="Since">Not a whole hour is remembered, as there were so many; null: it is.</param>
/// <param name="Count">Requests that all but the rows are of.</param>
/// <param name="Users">The heaviest, the heaviest first.</param>
internal sealed record Digest(
    IReadOnlyList<string> Replicas, IReadOnlyList<RequestRow> Rows, DateTimeOffset? Since, int Count, IReadOnlyList<ModelDigest> Models, IReadOnlyList<TierDigest> Tiers,
    IReadOnlyList<UserDigest> Users)
{
    /// <summary>Rows of the grid.</summary>
    public const int MostRows = 1_000;

    public const int MostUsers = 200;

    /// <summary>All as one. Whoever is not among the heaviest of one replica is counted too low there.</summary>
    public static Digest Add(IReadOnlyList<Digest> digests)
    {
        if (digests is [var only])
        {
            return only;
        }

        return new Digest(
            [.. digests.SelectMany(digest => digest.Replicas)],
            [.. digests.SelectMany(digest => digest.Rows).OrderByDescending(row => row.At).Take(MostRows)],
            digests.Max(digest => digest.Since),
            digests.Sum(digest => digest.Count),
            [.. digests.SelectMany(digest => digest.Models).GroupBy(model => model.Model, StringComparer.OrdinalIgnoreCase).Select(ModelDigest.Add)],
            [.. digests.SelectMany(digest => digest.Tiers).GroupBy(tier => tier.Tier, StringComparer.OrdinalIgnoreCase).Select(TierDigest.Add)],
            UserDigest.Heaviest(digests.SelectMany(digest => digest.Users).GroupBy(user => user.Name).Select(UserDigest.Add)));
    }
}

internal sealed record ModelDigest(string Model, int Requests, int Hits, int Shared, int Made, int Failed, decimal Spent)
{
    /// <summary>Numbers of the stories that its last pictures were made for. They are in a replica's memory, so no other has a use for them.</summary>
    [JsonIgnore]
    public IReadOnlyList<uint> Pictures { get; init; } = [];

    public static ModelDigest Add(IGrouping<string, ModelDigest> model) => new(
        model.Key, model.Sum(one => one.Requests), model.Sum(one => one.Hits), model.Sum(one => one.Shared), model.Sum(one => one.Made), model.Sum(one => one.Failed), model.Sum(one => one.Spent))
    {
        Pictures = [.. model.SelectMany(one => one.Pictures)],
    };
}

/// <param name="PeakOfDay">The most that one user has used of its day, 0 to 1; null where days are unlimited.</param>
internal sealed record TierDigest(
    string Tier, int Requests, DistinctUsers Users, int Units, int RefusedByRequests, int RefusedByConcurrency, int RefusedByDay, int RefusedByMonth, double? PeakOfDay)
{
    public static TierDigest None(string tier) => new(tier, 0, DistinctUsers.None, 0, 0, 0, 0, 0, PeakOfDay: null);

    public static TierDigest Add(IGrouping<string, TierDigest> tier) => new(
        tier.Key, tier.Sum(one => one.Requests), DistinctUsers.Add(tier.Select(one => one.Users)), tier.Sum(one => one.Units), tier.Sum(one => one.RefusedByRequests),
        tier.Sum(one => one.RefusedByConcurrency), tier.Sum(one => one.RefusedByDay), tier.Sum(one => one.RefusedByMonth), tier.Max(one => one.PeakOfDay));
}

/// <param name="Name">A hash; of a caller that asks for itself, its name.</param>
/// <param name="OfDay">What it had used of its day when it asked last, 0 to 1; null where days are unlimited.</param>
internal sealed record UserDigest(string Name, string Tier, int Requests, int Units, int Refused, double? OfDay)
{
    public static IReadOnlyList<UserDigest> Heaviest(IEnumerable<UserDigest> users) =>
        [.. users.OrderByDescending(user => user.Units).ThenByDescending(user => user.Requests).Take(Digest.MostUsers)];

    public static UserDigest Add(IGrouping<string, UserDigest> user) =>
        user.First() with { Requests = user.Sum(one => one.Requests), Units = user.Sum(one => one.Units), Refused = user.Sum(one => one.Refused), OfDay = user.Max(one => one.OfDay) };
}

[JsonSerializable(typeof(Digest))]
internal sealed partial class DigestJson : JsonSerializerContext
{
    public static string Serialize(Digest digest) => JsonSerializer.Serialize(digest, Default.Digest);

    /// <returns>Null where it is another release's.</returns>
    public static Digest? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, Default.Digest) is { Replicas: [{ } replica], Rows: not null, Models: not null, Tiers: { } tiers, Users: not null } digest && tiers.All(tier => tier.Users?.Smallest is not null)
                ? digest with { Rows = [.. digest.Rows.Select(row => row with { Replica = replica })] } : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
