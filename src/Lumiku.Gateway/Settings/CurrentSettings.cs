namespace Lumiku.Gateway.Settings;

/// <summary>The settings in force. Replaced whole, never changed.</summary>
internal sealed class CurrentSettings(GatewaySettings initial)
{
    private volatile GatewaySettings _value = initial;

    public GatewaySettings Value
    {
        get => _value;
        set => _value = value;
    }

    /// <summary>Why the file as it lies there is not in force; null while it is.</summary>
    public IReadOnlyList<string>? Refused { get; set; }
}
