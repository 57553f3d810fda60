using System.Globalization;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Writes <c>RateLimit-Policy</c> and <c>RateLimit</c> as draft-ietf-httpapi-ratelimit-headers-10 has them. The one place to change when the draft does.</summary>
/// <remarks>
/// <c>q</c> is the limit and <c>w</c> its window in seconds; <c>r</c> is what is left and <c>t</c> the seconds until there is more: of
/// requests, one more; of units, all of them. Requests at once have neither window nor time.
/// </remarks>
internal static class RateLimitHeaders
{
    public const string Policy = "RateLimit-Policy";
    public const string State = "RateLimit";

    /// <param name="applying">The limits that this request is under; of these, the unlimited are left out.</param>
    public static void Set(IHeaderDictionary headers, in LimitUsage usage, LimitPolicies applying)
    {
        var limits = usage.Limits;
        var policy = new ItemList(stackalloc char[192]);
        var state = new ItemList(stackalloc char[192]);
        if (applying.HasFlag(LimitPolicies.Requests) && limits.RequestsPerMinute is { } perMinute)
        {
            policy.Add("requests", 'q', perMinute, 'w', 60);
            state.Add("requests", 'r', usage.RequestsLeft, 't', Seconds(usage.NextRequestIn));
        }

        if (applying.HasFlag(LimitPolicies.Concurrency) && limits.ConcurrentRequests is { } atOnce)
        {
            policy.Add("concurrency", 'q', atOnce);
            state.Add("concurrency", 'r', Math.Max(0, atOnce - usage.Running));
        }

        if (applying.HasFlag(LimitPolicies.Day) && limits.UnitsPerDay is { } perDay)
        {
            policy.Add("day", 'q', perDay, 'w', Seconds(usage.Periods.Day.End - usage.Periods.Day.Start));
            state.Add("day", 'r', usage.Day.Left(perDay)!.Value, 't', Seconds(usage.DayEndsIn));
        }

        if (applying.HasFlag(LimitPolicies.Month) && limits.UnitsPerMonth is { } perMonth)
        {
            policy.Add("month", 'q', perMonth, 'w', Seconds(usage.Periods.Month.End - usage.Periods.Month.Start));
            state.Add("month", 'r', usage.Month.Left(perMonth)!.Value, 't', Seconds(usage.MonthEndsIn));
        }

        if (!policy.IsEmpty)
        {
            headers[Policy] = policy.ToString();
            headers[State] = state.ToString();
        }
    }

    /// <summary>Rounded up: nobody is told too early.</summary>
    public static long Seconds(TimeSpan span) => (span.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond;

    /// <summary>A list of structured fields (RFC 9651): quoted names with whole numbers as parameters.</summary>
    private ref struct ItemList(Span<char> buffer)
    {
        private readonly Span<char> _buffer = buffer;
        private int _length;

        public readonly bool IsEmpty => _length == 0;

        public void Add(string name, char first, long value) =>
            _length += _buffer[_length..].TryWrite(CultureInfo.InvariantCulture, $"{(IsEmpty ? "" : ", ")}\"{name}\";{first}={value}", out var written) ? written : 0;

        public void Add(string name, char first, long value, char second, long other)
        {
            Add(name, first, value);
            _length += _buffer[_length..].TryWrite(CultureInfo.InvariantCulture, $";{second}={other}", out var written) ? written : 0;
        }

        public override readonly string ToString() => _buffer[.._length].ToString();
    }
}
