namespace Lumiku.Gateway.ReverseProxy;

internal enum LimiterKind
{
    /// <summary><c>PermitLimit</c> requests in each <c>Window</c>, all at its begin if they come so.</summary>
    FixedWindow,

    /// <summary>The same in any <c>Window</c>, counted in <c>SegmentsPerWindow</c> parts.</summary>
    SlidingWindow,

    /// <summary><c>PermitLimit</c> in one go, then <c>TokensPerPeriod</c> each <c>Window</c>.</summary>
    TokenBucket,

    /// <summary><c>PermitLimit</c> at once.</summary>
    Concurrency,
}

/// <summary>A limit of a whole route, by the framework's own limiters. Bound from <c>RateLimiterPolicies:{name}</c>; a record, as equal ones are one limit across a reload.</summary>
internal sealed record RateLimiterPolicyOptions
{
    /// <summary>Required.</summary>
    public LimiterKind? Kind { get; init; }

    /// <summary>Required. 1 to 1,000,000.</summary>
    public int? PermitLimit { get; init; }

    /// <summary>Required for all but Concurrency. 100 ms to 1 d.</summary>
    public TimeSpan? Window { get; init; }

    /// <summary>2 to 100; default 4.</summary>
    public int SegmentsPerWindow { get; init; } = 4;

    /// <summary>1 to 1,000,000; default 1.</summary>
    public int TokensPerPeriod { get; init; } = 1;

    /// <summary>How many wait for their turn rather than be refused. 0 to 100,000; default 0.</summary>
    public int QueueLimit { get; init; }
}
