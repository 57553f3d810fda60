using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>What <c>GET /explain/{request id}</c> says.</summary>
/// <param name="Stories">Newest first; several where callers used an id again.</param>
internal sealed record ExplanationBody(string RequestId, IReadOnlyList<StoryBody> Stories);

/// <summary>The story of one request, as it is told and as it lies in Redis. Nothing of a prompt, a key or a user's id.</summary>
/// <param name="Number">Its own: that of the replica and of the story there.</param>
/// <param name="Outcome"><c>ok</c>, <c>caller gone</c> or the error's type.</param>
/// <param name="User">As logs name one: by a hash.</param>
internal sealed record StoryBody(
    string Number, string RequestId, DateTimeOffset At, double DurationMs, int Status, string Outcome, string? Caller, string? User, string? Tier, AskedBody Asked)
{
    /// <summary>What happened, and what to do; put into words when it is told.</summary>
    [JsonPropertyOrder(-2)]
    public string? Summary { get; init; }

    /// <inheritdoc cref="Summary"/>
    [JsonPropertyOrder(-1)]
    public string? Advice { get; init; }

    public ServedBody? Served { get; init; }

    public RefusalBody? Refusal { get; init; }

    public CacheBody? Cache { get; init; }

    public GenerationBody? Generation { get; init; }

    /// <summary>What was charged.</summary>
    public int? Units { get; init; }

    /// <summary>What upstream was paid for it, and what was saved; where prices are known.</summary>
    public CostBody? Cost { get; init; }

    /// <summary>Those that apply and limit something, as the headers told them.</summary>
    public IReadOnlyList<LimitBody>? Limits { get; init; }

    /// <summary>The number of the settings it was served by.</summary>
    public int? Settings { get; init; }

    /// <summary>A name that a process gives itself when it starts.</summary>
    public string? Replica { get; init; }

    public string? TraceId { get; init; }
}

/// <param name="Model">The requested one.</param>
/// <param name="PromptBytes">As the caller escaped it; null where there is no text.</param>
/// <param name="Likeness">Equal requests to one replica have the same, and it tells nothing else of them.</param>
internal sealed record AskedBody(string Method, string Path, string? Model, int? BodyBytes, int? PromptBytes, string? Likeness);

/// <param name="Rule"><c>entitlement</c>, <c>upstream</c>, or null: the model that was asked for.</param>
/// <param name="Because">The entitlement that the tier lacks, or the class of the failure.</param>
/// <param name="ChangedParameters">Their names; what they were is not told.</param>
internal sealed record ServedBody(string Model, string? Rule, string? Because, IReadOnlyList<string>? ChangedParameters);

/// <param name="Limits">Which refused, by their names in the headers.</param>
internal sealed record RefusalBody(string Error, string? Detail, long? RetryAfter, IReadOnlyList<string>? Limits);

/// <param name="Result">As <c>X-Cache</c>; null where there was no image.</param>
internal sealed record CacheBody(string? Result, string Why, long? AgeSeconds);

/// <param name="Spent">0 where no image had to be made for this request.</param>
/// <param name="SavedByCache">As it was kept, or made for another.</param>
/// <param name="SavedBySubstitution">As a cheaper model served.</param>
internal sealed record CostBody(decimal Spent, decimal SavedByCache, decimal SavedBySubstitution, string Currency);

/// <param name="Limit">Requests a minute, requests at once, or units.</param>
/// <param name="Burst">For requests: how many in one go, of which some are left.</param>
/// <param name="ResetsIn">Seconds; null where nobody knows.</param>
internal sealed record LimitBody(string Name, long Limit, long? Burst, long Left, long? ResetsIn, bool Refused);

/// <param name="Role"><c>opened</c>, <c>shared</c> or <c>passed through</c>.</param>
/// <param name="HasEnded">False: it went on when this was written.</param>
/// <param name="LeftOut">Attempts that are not told.</param>
internal sealed record GenerationBody(
    string Role, bool HasEnded, bool OfAnotherReplica, double? UpstreamMs, IReadOnlyList<AttemptBody> Attempts, int LeftOut, FallbackBody? Fallback);

/// <param name="StartMs">After the request came; below 0: it shared a generation that was under way.</param>
/// <param name="DurationMs">Null: it was under way.</param>
/// <param name="Decision">What followed from it.</param>
/// <param name="Polls">How often the image was asked after once it was ordered; null: it came at once.</param>
/// <param name="FetchedFrom">The host that the image lay at; null: it came with the answer.</param>
internal sealed record AttemptBody(
    string Model, string? Upstream, string? Destination, double StartMs, double? DurationMs, int? Status, string? Failure, string? Said, string? Flaw, string Decision, int? Polls = null, string? FetchedFrom = null)
{
    /// <summary>Nobody was asked.</summary>
    [JsonIgnore]
    public bool IsSkipped => Decision == GenerationWriter.Skipped;
}

/// <param name="Because">Null: the breaker of the model that was to serve was open, so that it was not asked.</param>
internal sealed record FallbackBody(string Model, string? Because, IReadOnlyList<string>? ChangedParameters);

[JsonSerializable(typeof(ExplanationBody))]
[JsonSerializable(typeof(StoryBody))]
internal sealed partial class StoryJson : JsonSerializerContext
{
    private static readonly StoryJson Readable = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // As errors are: for eyes in a terminal, and never inside HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static byte[] Serialize(ExplanationBody body) => JsonSerializer.SerializeToUtf8Bytes(body, Readable.ExplanationBody);

    public static string Serialize(StoryBody body) => JsonSerializer.Serialize(body, Readable.StoryBody);

    /// <returns>Null where it is another release's.</returns>
    public static StoryBody? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, Readable.StoryBody) is { Number: not null, RequestId: not null, Outcome: not null, Asked: not null } story ? story : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
