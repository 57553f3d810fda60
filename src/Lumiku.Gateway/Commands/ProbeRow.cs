namespace Lumiku.Gateway.Commands;

/// <summary>What became of one model's image.</summary>
/// <param name="Model">That was asked for.</param>
/// <param name="Outcome"><see cref="Ok"/>, <see cref="Failed"/> or <see cref="Skipped"/>.</param>
/// <param name="ServedBy">The model that made the image, or that failed last; null where the gateway did not get so far.</param>
/// <param name="Status">Of the gateway's answer; null where there was none.</param>
/// <param name="Bytes">Of the image; null without one.</param>
/// <param name="Seconds">How long it took; null for a model that was skipped.</param>
/// <param name="Type">Of the gateway's error.</param>
/// <param name="Error">Why there is no image, in a sentence.</param>
/// <param name="Upstream">What upstream said, as the gateway passes it on.</param>
internal sealed record ProbeRow(
    string Model, string Outcome, string? ServedBy, int? Status, long? Bytes, double? Seconds, string? Type, string? Error, UpstreamError? Upstream)
{
    public const string Ok = "ok";
    public const string Failed = "failed";
    public const string Skipped = "skipped";

    /// <summary>The upstream that made the image; null without one.</summary>
    public string? MadeAt { get; init; }

    /// <summary>Another model made the image: a fallback, as every entitlement is there.</summary>
    public bool IsStandIn() => ServedBy is not null && !ServedBy.Equals(Model, StringComparison.OrdinalIgnoreCase);

    public static ProbeRow Of(string model, string outcome) =>
        new(model, outcome, ServedBy: null, Status: null, Bytes: null, Seconds: null, Type: null, Error: null, Upstream: null);
}
