namespace Lumiku.Gateway.RateLimiting;

/// <summary>GCRA's bucket of requests at one moment.</summary>
/// <param name="Used">What is used of it, as the time until it is full again; zero: it is full.</param>
/// <param name="Pace">The time in which one request comes back: what another tier's limits took comes back at that tier's pace.</param>
internal readonly record struct RequestBucket(TimeSpan Used, TimeSpan Pace)
{
    /// <param name="pace">Of who took last; without meaning where nothing is used.</param>
    public static RequestBucket Of(UsageLimits limits, TimeSpan used, TimeSpan pace) =>
        used > TimeSpan.Zero ? new(used, pace) : new(TimeSpan.Zero, limits.RequestInterval);

    /// <summary>Until a request would be taken; zero or less: now.</summary>
    public TimeSpan RequestIn(UsageLimits limits) => limits.RequestsPerMinute is null ? TimeSpan.Zero : Used - (Pace * (limits.BucketSize - 1));

    /// <summary>What is used once a request was taken: from there on it comes back at the pace of these limits, and the requests that are used stay as many.</summary>
    public TimeSpan AfterTaking(UsageLimits limits)
    {
        var interval = limits.RequestInterval;
        return interval + TimeSpan.FromTicks((long)((((Int128)Used.Ticks * interval.Ticks) + Pace.Ticks - 1) / Pace.Ticks));
    }

    /// <summary>Requests that are left now, and until there is one more.</summary>
    public (int Left, TimeSpan NextIn) Left(UsageLimits limits)
    {
        if (limits.RequestsPerMinute is null)
        {
            return (int.MaxValue, TimeSpan.Zero);
        }

        var left = (int)Math.Clamp(limits.BucketSize - ((Used.Ticks + Pace.Ticks - 1) / Pace.Ticks), 0, limits.BucketSize);
        return (left, left == limits.BucketSize ? TimeSpan.Zero : Used - (Pace * (limits.BucketSize - left - 1)));
    }
}
