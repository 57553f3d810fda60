namespace Lumiku.HuggingFace.Simulator;

/// <summary>The simulator's knobs. All but <see cref="Port"/> may be turned while it runs.</summary>
public sealed class SimulatorOptions
{
    internal const int MostImageBytes = 1_200_000;

    /// <summary>On 127.0.0.1; 0 takes a free one.</summary>
    public int Port { get; set; }

    /// <summary>Size of a PNG, up to 1,200,000. A picture of many pixels needs some kilobytes whatever is asked for here.</summary>
    public int ImageBytes
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MostImageBytes);
            field = value;
        }
    }
    = 12_000;

    /// <summary>How long a picture takes to render. Refusals do not wait.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.Zero;

    /// <summary>The Hub maps models to providers in its older form, an object by provider, rather than in an array.</summary>
    public bool MapsProvidersByName { get; set; }

    /// <summary>The clock of every wait in the simulator.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
