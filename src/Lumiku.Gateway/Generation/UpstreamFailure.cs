namespace Lumiku.Gateway.Generation;

/// <summary>What kind of trouble upstream had; one class, one way to go on.</summary>
internal enum FailureClass
{
    /// <summary>The model is being loaded; it did not run.</summary>
    Loading,

    /// <summary>Too busy, or out of memory.</summary>
    Overloaded,

    /// <summary>Our account asks too often.</summary>
    RateLimited,

    /// <summary>The model is not there, or no longer.</summary>
    Gone,

    /// <summary>Our token, plan or credits; never the caller's fault.</summary>
    Account,

    /// <summary>A parameter that the pipeline does not take; the message names it.</summary>
    ParameterRefused,

    /// <summary>Refused for a reason that nobody listed.</summary>
    Refused,

    /// <summary>A success that is no whole image.</summary>
    NotAnImage,

    /// <summary>No answer in time; the model may have run.</summary>
    Timeout,

    /// <summary>No connection, or one that broke.</summary>
    Unreachable,

    /// <summary>Everything else: 5xx, redirects, statuses that do not exist.</summary>
    Failed,
}

/// <summary>Why a generation brought no image.</summary>
/// <param name="Status">Upstream's; null where it gave none.</param>
/// <param name="Message">What upstream said, masked and cut; null where it said nothing.</param>
/// <param name="RetryAfter">When upstream said to come back; null where it did not.</param>
/// <param name="Flaw">For <see cref="FailureClass.NotAnImage"/>: what is wrong with the answer.</param>
internal sealed record UpstreamFailure(FailureClass Class, int? Status, string? Message = null, TimeSpan? RetryAfter = null, string? Flaw = null)
{
    public GatewayProblem ToProblem(string model) => GatewayProblem.FromUpstream(this, model);
}
