using System.Text.Json.Serialization;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Commands.Rehearsal;

/// <summary>A request's line in the log, as far as tiers, models and limits go by it. The names are the log's.</summary>
internal sealed record LoggedRequest
{
    [JsonPropertyName("@t")]
    public DateTimeOffset Ended { get; init; }

    public string Method { get; init; } = "";

    public string Path { get; init; } = "";

    public string Outcome { get; init; } = "";

    public double ElapsedMs { get; init; }

    public double? FirstByteMs { get; init; }

    public string Caller { get; init; } = "";

    public string? User { get; init; }

    public string? Tier { get; init; }

    public string? TierFrom { get; init; }

    public string? ServedModel { get; init; }

    public string? Substitution { get; init; }

    public string? Cache { get; init; }

    public string? ViolatedPolicies { get; init; }

    public int? Units { get; init; }

    public int? UnitsWanted { get; init; }

    public long? UnitsToday { get; init; }

    public long UnitsThisMonth { get; init; }

    /// <summary>The model as the caller wrote it; null where the path names none.</summary>
    [JsonIgnore]
    public string? ModelId => ModelPath.Parse(Path)?.ModelId;

    /// <summary>It got as far as to a tier, and its line says all that a replay goes by.</summary>
    [JsonIgnore]
    public bool CanBeReplayed => Tier is not null && TierFrom is not null && ModelId is not null && HasTime && IsTime(ElapsedMs) && IsTime(FirstByteMs ?? 0);

    /// <summary>False where whoever carried the log has renamed the time.</summary>
    [JsonIgnore]
    public bool HasTime => Ended > DateTimeOffset.UnixEpoch;

    [JsonIgnore]
    public DateTimeOffset Began => Ended - TimeSpan.FromMilliseconds(ElapsedMs);

    /// <summary>How long it was one of the requests at once: its slot is free before the first byte of the answer.</summary>
    [JsonIgnore]
    public TimeSpan HeldSlot => TimeSpan.FromMilliseconds(FirstByteMs ?? ElapsedMs);

    [JsonIgnore]
    public bool IsPost => HttpMethods.IsPost(Method);

    [JsonIgnore]
    public bool NamesTier => TierFrom == TierSource.Request;

    [JsonIgnore]
    public bool ReachedLimits => UnitsToday is not null;

    /// <summary>Its model was none for its tier, or not offered at all. Upstream can say the latter too, but only of what was let through.</summary>
    [JsonIgnore]
    public bool IsRefusedByCatalog => !ReachedLimits && Outcome is "model-not-in-tier" or "model-not-offered";

    [JsonIgnore]
    public bool IsRefusedByLimits => ViolatedPolicies is not null;

    /// <summary>Refused by what is the gateway's and no tier's: memory for bodies, or too many generations left behind.</summary>
    [JsonIgnore]
    public bool IsRefusedOtherwise => !IsRefusedByLimits && Outcome is "too-many-at-once" or "rate-limited";

    /// <summary>What became of it tells nothing of what would have become of it, had it been let through.</summary>
    [JsonIgnore]
    public bool IsRefused => IsRefusedByCatalog || IsRefusedByLimits;

    /// <summary>It was answered with an image that was made for it; or an image was being made for it when it left, and was finished.</summary>
    [JsonIgnore]
    public bool IsCharged => Cache is "MISS" or "BYPASS" || (Cache is null && UnitsWanted is not null && Outcome is "caller gone" or "still-generating");

    /// <summary>The model that was chosen failed, and its fallback made the image.</summary>
    [JsonIgnore]
    public bool HasFallenBack => Substitution == ModelChoice.ByUpstream;

    private static bool IsTime(double milliseconds) => milliseconds >= 0 && milliseconds < TimeSpan.FromDays(1).TotalMilliseconds;

    /// <summary>What became of it.</summary>
    [JsonIgnore]
    public Verdict Then => IsRefused || IsRefusedOtherwise ? Verdict.Refused(Outcome) : new Verdict(Refusal: null, Substitution, Units ?? (IsCharged ? UnitsWanted ?? 0 : 0));
}

/// <summary>What becomes of a request, as far as settings decide it.</summary>
/// <param name="Refusal">The error's type; null where it is let through.</param>
/// <param name="Substitution">As <c>X-Lumiku-Substitution</c> has it; null: the model that was asked for serves.</param>
internal readonly record struct Verdict(string? Refusal, string? Substitution, long Units)
{
    public static Verdict Refused(string type) => new(type, Substitution: null, Units: 0);
}

[JsonSerializable(typeof(LoggedRequest))]
internal sealed partial class LoggedRequestJson : JsonSerializerContext;
