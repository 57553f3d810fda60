using System.Diagnostics;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>What is known of one request: noted on its way, told after its end (<see cref="StoryWriter"/>).</summary>
/// <remarks>Ten thousand of these are kept, so nothing here holds a body, an image or a setting's snapshot. A user's id is here, and goes nowhere from here but hashed.</remarks>
internal sealed class RequestStory
{
    public string RequestId { get; set; } = "";

    /// <summary>Counts the stories of this process.</summary>
    public uint Number { get; set; }

    /// <summary>Who may read it; null: nobody known sent it, so the operator alone.</summary>
    public string? Reader { get; set; }

    public DateTimeOffset At { get; set; }

    /// <summary>When it began, as a timestamp of the clock.</summary>
    public long Started { get; set; }

    public TimeSpan Elapsed { get; set; }

    public string Method { get; set; } = "";

    public string Path { get; set; } = "";

    public int Status { get; set; }

    /// <summary>The type of the error; null: none was answered.</summary>
    public string? ErrorType { get; set; }

    public bool IsCallerGone => Status == RequestRecord.CallerGone;

    /// <summary>The caller's name, known even where the request was refused before its tier was.</summary>
    public string? Caller { get; set; }

    public Identity? Identity { get; set; }

    public string? RequestedModel { get; set; }

    public ModelChoice? Choice { get; set; }

    /// <summary>Which model made the image, or failed last.</summary>
    public string? ServedModel { get; set; }

    public IReadOnlyList<string> ChangedParameters { get; set; } = [];

    public int? BodyBytes { get; set; }

    /// <summary>Of <c>inputs</c>, in bytes; null where it is no text.</summary>
    public int? PromptBytes { get; set; }

    public CacheTerms? Terms { get; set; }

    public int? Settings { get; set; }

    public ImageCost? Cost { get; set; }

    public string Currency { get; set; } = "";

    public ActivityTraceId? TraceId { get; set; }

    /// <summary>What upstream's refusal was, where the request was streamed through.</summary>
    public UpstreamFailure? PassedFailure { get; set; }

    public TimeSpan? UpstreamTime { get; set; }

    /// <summary>What was answered in place of an image.</summary>
    public GatewayProblem? Problem { get; set; }

    public LimitUsage? Usage { get; private set; }

    public LimitPolicies Applying { get; private set; }

    /// <summary>How the image came; null where none did.</summary>
    public CacheOutcome? Outcome { get; private set; }

    public TimeSpan? Age { get; private set; }

    public bool IsStored { get; private set; }

    public int Units { get; private set; }

    public FlightStory? Flight { get; private set; }

    public bool HasOpened { get; private set; }

    /// <summary>The limits as the headers tell them; the last word counts.</summary>
    public void Limit(in LimitUsage usage, LimitPolicies applying) => (Usage, Applying) = (usage, applying);

    public void Answered(ImageAnswer answer) =>
        (Outcome, Age, IsStored, Units, ServedModel) = (answer.Outcome, answer.Kept?.Age, answer.IsStored, answer.Units, answer.Image.Model);

    /// <summary>It waits no longer, with or without an image.</summary>
    public void Left(Seat seat)
    {
        // Who was refused while nobody had begun has had no part in a generation.
        if (seat.HasOpened || seat.Flight.HasStarted || seat.Flight.Story.IsOfAnotherReplica)
        {
            (Flight, HasOpened) = (seat.Flight.Story, seat.HasOpened);
        }
    }
}
