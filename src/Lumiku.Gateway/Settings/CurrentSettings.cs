namespace Lumiku.Gateway.Settings;

/// <summary>The settings in force. Replaced whole, never changed.</summary>
internal sealed class CurrentSettings(GatewaySettings initial)
{
    private volatile GatewaySettings _value = initial;
    private volatile GatewaySettings _previous = initial;

    public GatewaySettings Value
    {
        get => _value;
        set
        {
            _previous = _value;
            _value = value;
        }
    }

    /// <summary>An upstream token by its name.</summary>
    /// <remarks>YARP follows a change of the settings a moment later: until then its routes may name a credential of the settings before.</remarks>
    /// <exception cref="InvalidOperationException">Neither has it, which their check rules out. Nothing must be sent without.</exception>
    public Secret Credential(string name) =>
        _value.Credentials.GetValueOrDefault(name) ?? _previous.Credentials.GetValueOrDefault(name)
        ?? throw new InvalidOperationException("A credential that a route names is gone.");

    /// <summary>Why the file as it lies there is not in force; null while it is.</summary>
    public IReadOnlyList<string>? Refused { get; set; }
}
