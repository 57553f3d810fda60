namespace Lumiku.Gateway.Generation;

/// <summary>Why a generation brought no image.</summary>
/// <param name="Status">Upstream's; null where it gave none.</param>
/// <param name="Message">What upstream said, masked and cut; null where it said nothing.</param>
/// <param name="RetryAfter">When upstream said to come back; null where it did not.</param>
/// <param name="EstimatedTime">How long upstream thinks the model loads; null where it does not say.</param>
/// <param name="Repeat">Whether another attempt may follow, and when.</param>
/// <param name="Flaw">For <see cref="FailureClass.NotAnImage"/>: what is wrong with the answer.</param>
internal sealed record UpstreamFailure(
    FailureClass Class,
    int? Status,
    string? Message = null,
    TimeSpan? RetryAfter = null,
    string? Flaw = null,
    TimeSpan? EstimatedTime = null,
    RepeatRule Repeat = RepeatRule.Never)
{
    /// <summary>When to ask again, as far as upstream knows; null where it said nothing.</summary>
    public TimeSpan? ComeBackAfter => RetryAfter ?? EstimatedTime;

    /// <summary>The model itself is in trouble that passes, and one attempt at a time finds out whether it has.</summary>
    public bool IsTrouble => Repeat is RepeatRule.Once or RepeatRule.Wait;

    /// <summary>Another account may have more luck.</summary>
    public bool IsOfAccount => Class is FailureClass.Account or FailureClass.RateLimited;

    /// <summary>Upstream was not asked: the model had no place for one more generation.</summary>
    public bool HasNoPlace { get; init; }

    /// <summary>Upstream was not asked: what is wanted cannot be asked for there.</summary>
    public bool IsOurs { get; init; }

    /// <summary>The order was taken, and only asking after it failed: the image may be made all the same, and nobody else is asked for it.</summary>
    public bool IsOrdered { get; init; }

    public GatewayProblem ToProblem(string model) => HasNoPlace ? GatewayProblem.NoPlaceForModel(model) : GatewayProblem.FromUpstream(this, model);
}

/// <summary>Whether a generation may ask upstream again. Only where the model surely did not run, or ran out of room.</summary>
internal enum RepeatRule
{
    Never,

    /// <summary>One more attempt.</summary>
    Once,

    /// <summary>As long as callers wait.</summary>
    Wait,

    /// <summary>Soon, a few times: the request never left.</summary>
    Soon,
}
