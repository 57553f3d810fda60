namespace Lumiku.Gateway.RateLimiting;

/// <summary>Bound from <c>Quota</c>.</summary>
internal sealed class QuotaOptions
{
    /// <summary>Where days and months of units begin: an IANA name such as <c>Europe/Berlin</c>. Default <c>UTC</c>.</summary>
    public string TimeZone { get; init; } = "UTC";
}
