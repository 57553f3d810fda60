namespace Lumiku.Gateway.Generation;

/// <summary>Keeps those who wait for the same thing from coming back at the same moment.</summary>
internal static class Jitter
{
    /// <summary>A fifth shorter to a fifth longer.</summary>
    public static TimeSpan Around(this Random random, TimeSpan span) => span * (0.8 + (0.4 * random.NextDouble()));

    /// <summary>Up to a fifth longer, never shorter.</summary>
    public static TimeSpan Beyond(this Random random, TimeSpan span) => span * (1 + (0.2 * random.NextDouble()));
}
