using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway.Telemetry;

/// <summary>What the request's one log line tells; each step adds what it knows.</summary>
internal sealed class RequestRecord
{
    /// <summary>What <c>GET /explain</c> tells of it.</summary>
    public RequestStory Story { get; } = new();

    /// <summary>The type of the error that was answered; null: none was.</summary>
    public string? ErrorType { get; set; }

    /// <summary>Names of the limits that refused, as the headers have them; null where none did.</summary>
    public IReadOnlyList<string>? ViolatedPolicies { get; set; }

    /// <summary>What the answered image cost; null where nothing is known of prices, or there is none.</summary>
    public ImageCost? Cost { get; set; }

    /// <summary>The caller left before it was answered.</summary>
    public bool IsCallerGone { get; set; }

    /// <summary>What a page loads and holds open is no line in the log and no request in a metric, unless it is refused.</summary>
    public bool IsOfPage { get; set; }

    /// <summary>The status of a request whose caller left; nobody is sent it.</summary>
    public const int CallerGone = 499;

    /// <summary>The status that the request ended with; <see cref="CallerGone"/> where the caller left before its answer, or in the midst of it.</summary>
    public int EndOf(HttpContext context) => IsCallerGone || context.RequestAborted.IsCancellationRequested ? CallerGone : context.Response.StatusCode;

    /// <summary>Facts by field name: <c>Caller</c>, <c>Tier</c>, <c>RequestedModel</c>, <c>ServedModel</c>, <c>RequestBytes</c>, <c>Cache</c> and the like. Never a key, and of a user id or a prompt a hash alone.</summary>
    public Dictionary<string, object> Facts { get; } = new(capacity: 17);

    /// <summary>Time spent looking for a kept image; null where nobody looked.</summary>
    public TimeSpan? CacheTime { get; set; }

    /// <summary>Time spent on upstream's account; null where nobody asked it.</summary>
    public TimeSpan? UpstreamTime { get; set; }
}

internal static class RequestRecordFeature
{
    public static RequestRecord GetRequestRecord(this HttpContext context)
    {
        if (context.Features.Get<RequestRecord>() is not { } record)
        {
            context.Features.Set(record = new RequestRecord());
        }

        return record;
    }
}
