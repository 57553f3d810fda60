using System.Globalization;
using System.Text.Json.Serialization;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway.Dashboard;

/// <summary>One request in the grid.</summary>
/// <param name="Outcome"><c>ok</c>, <c>caller gone</c> or the error's type.</param>
/// <param name="Cache"><c>hit</c>, <c>miss</c>, <c>coalesced</c>, <c>bypass</c> or <c>none</c>.</param>
/// <param name="User">By its hash; of a caller that asks for itself, its name.</param>
internal sealed record RequestRow(
    uint Number, string RequestId, DateTimeOffset At, int Status, string Outcome, string Tier, string Requested, string Served, string Cache, string User, TimeSpan Took, int Units)
{
    /// <summary>Which answered it; numbers are a replica's own.</summary>
    [JsonIgnore]
    public string Replica { get; init; } = "";

    [JsonIgnore]
    public bool IsSubstituted => Served != Words.Nothing && Requested != Words.Nothing && !Served.Equals(Requested, StringComparison.OrdinalIgnoreCase);

    [JsonIgnore]
    public Tone Tone => Tones.Of(Status);

    /// <param name="replica">This one.</param>
    public static RequestRow Of(RequestStory story, string user, string replica) => new(
        story.Number, story.RequestId, story.At, story.Status, story.IsCallerGone ? "caller gone" : story.ErrorType ?? "ok", story.Identity?.Tier.Name ?? Words.Nothing,
        story.RequestedModel ?? Words.Nothing, story.ServedModel ?? Words.Nothing, story.Outcome is { } outcome ? outcome.ToString().ToLowerInvariant() : "none", user, story.Elapsed, story.Units)
    {
        Replica = replica,
    };
}

/// <summary>What the grid is to show; what is empty is not asked for.</summary>
internal sealed record RequestFilter
{
    /// <summary>As an outcome: all that were answered with 500 or above.</summary>
    public const string Failed = "failed";

    /// <summary>As an outcome: all that a limit refused.</summary>
    public const string Refused = "refused";

    private static readonly string[] ByLimits = ["rate-limited", "too-many-at-once", "quota-exceeded"];

    public string Tier { get; set; } = "";

    /// <summary>Asked for, or served.</summary>
    public string Model { get; set; } = "";

    public string Outcome { get; set; } = "";

    public string Cache { get; set; } = "";

    public string Replica { get; set; } = "";

    /// <summary>The beginning of a hash or a caller's name; or a request's id.</summary>
    public string Text { get; set; } = "";

    /// <summary>How far back; zero: all.</summary>
    public TimeSpan Within { get; set; }

    public bool IsEmpty => this == new RequestFilter();

    /// <summary>As a page's address has it, so that links, reloads and the way back keep it: <c>?tier=pro</c>, or nothing.</summary>
    public string Query => QueryString.Create(new Dictionary<string, string?>
    {
        ["tier"] = Tier,
        ["model"] = Model,
        ["outcome"] = Outcome,
        ["cache"] = Cache,
        ["replica"] = Replica,
        ["user"] = Text,
        ["within"] = Within == TimeSpan.Zero ? "" : ((int)Within.TotalMinutes).ToString(CultureInfo.InvariantCulture),
    }.Where(part => part.Value is { Length: > 0 })).Value ?? "";

    public bool Takes(RequestRow row, DateTimeOffset now) =>
        Is(Tier, row.Tier) && (Is(Model, row.Requested) || Is(Model, row.Served)) && Is(Cache, row.Cache) && Is(Replica, row.Replica)
        && (Outcome switch { Failed => row.Status >= 500, Refused => ByLimits.Contains(row.Outcome), _ => Is(Outcome, row.Outcome) })
        && (Text.Trim() is not { Length: > 0 } text || row.User.Contains(text, StringComparison.OrdinalIgnoreCase) || row.RequestId.Contains(text, StringComparison.OrdinalIgnoreCase))
        && (Within == TimeSpan.Zero || row.At >= now - Within);

    private static bool Is(string wanted, string value) => wanted.Length == 0 || wanted.Equals(value, StringComparison.OrdinalIgnoreCase);
}
