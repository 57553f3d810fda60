using System.Globalization;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway;

/// <summary>Every error the gateway answers with: a closed list, one shape.</summary>
/// <remarks>None on an inference route is a 503: the official client repeats that at once and without end.</remarks>
/// <param name="Type">For programs; stable.</param>
/// <param name="Error">For developers: what is wrong and what to do.</param>
/// <param name="Detail">More; null: the same again, as clients read one or the other.</param>
/// <param name="RetryAfter">When asking again may help; rounded up to whole seconds, at least one.</param>
internal sealed partial record GatewayProblem(int StatusCode, string Type, string Error, string? Detail = null, TimeSpan? RetryAfter = null) : IResult
{
    /// <summary>What upstream said, where it said something.</summary>
    public UpstreamError? Upstream { get; private init; }

    /// <summary>For a 401: what to send.</summary>
    public string Challenge { get; private init; } = "Bearer";

    /// <summary>Names of the limits that refused, as the headers have them; null where none did.</summary>
    public IReadOnlyList<string>? ViolatedPolicies { get; init; }

    /// <summary>When each of them frees, in UTC, as far as that is known.</summary>
    public IReadOnlyDictionary<string, string>? FreesAt { get; init; }

    /// <summary>A wait as callers are told it: rounded up, at least one second.</summary>
    public static long WholeSeconds(TimeSpan wait) => (long)Math.Max(1, Math.Ceiling(wait.TotalSeconds));

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var record = httpContext.GetRequestRecord();
        (record.ErrorType, record.ViolatedPolicies) = (Type, ViolatedPolicies);
        record.Story.Problem = this;
        var response = httpContext.Response;
        response.StatusCode = StatusCode;
        // Said anew: an answer that was begun and cleared has lost it.
        response.Headers[RequestIds.Header] = httpContext.TraceIdentifier;
        if (RetryAfter is { } delay)
        {
            response.Headers.RetryAfter = WholeSeconds(delay).ToString(CultureInfo.InvariantCulture);
        }

        if (StatusCode == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = Challenge;
        }

        var body = GatewayJson.Serialize(new ErrorBody(Error, Detail ?? Error, Type, StatusCode, httpContext.TraceIdentifier, ViolatedPolicies, FreesAt, Upstream));
        await GatewayJson.WriteAsync(httpContext, body);
    }
}
