namespace Lumiku.Gateway.Health;

/// <summary>Bound from <c>Shutdown</c>; read once, at the start.</summary>
internal sealed class ShutdownOptions
{
    /// <summary>What is left at the limit to write the last answers, and to settle what was not finished.</summary>
    public static readonly TimeSpan LastAnswers = TimeSpan.FromSeconds(5);

    /// <summary>How long requests are still taken after the signal, while balancers notice. 0 to 5 min; default 5 s.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long what is under way may take from the signal on; longer than <see cref="Grace"/>. 1 s to 1 h; default 2 min.</summary>
    /// <remarks>The platform has to wait for <see cref="LastAnswers"/> longer, and a moment more, before it kills the process.</remarks>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromMinutes(2);
}
