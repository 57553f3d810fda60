namespace Lumiku.Gateway;

/// <summary>What kind of trouble upstream had; one class, one way to go on. Settings name them (<c>FallbackOn</c>, <c>FailureRules</c>).</summary>
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
