using System.Globalization;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Moments as answers have them: in UTC, to the second.</summary>
internal static class Moment
{
    /// <summary>Nobody is told too early.</summary>
    public static string RoundedUp(DateTimeOffset instant)
    {
        var rest = instant.UtcTicks % TimeSpan.TicksPerSecond;
        return instant.AddTicks(rest == 0 ? 0 : TimeSpan.TicksPerSecond - rest).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }
}
