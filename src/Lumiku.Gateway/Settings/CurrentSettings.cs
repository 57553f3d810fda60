namespace Lumiku.Gateway.Settings;

/// <summary>The settings in force. Replaced whole, never changed.</summary>
internal sealed class CurrentSettings
{
    private volatile GatewaySettings _value;
    private volatile GatewaySettings _previous;
    private volatile TaskCompletionSource? _publishing;

    public CurrentSettings(GatewaySettings initial)
    {
        initial.Number = 1;
        (_value, _previous) = (initial, initial);
    }

    public GatewaySettings Value => _value;

    /// <summary>Why the file as it lies there is not in force; null while it is.</summary>
    public IReadOnlyList<string>? Refused { get; set; }

    /// <summary>How many files were refused since the start.</summary>
    public long Refusals { get; set; }

    /// <summary>Ends when routes and settings fit each other again: requests that begin meanwhile wait for it, some milliseconds. Null: they do.</summary>
    public Task? Publishing => _publishing?.Task;

    /// <summary>Puts settings in force, for requests that start from now on. They wait until <see cref="EndPublishing"/>, by which YARP has followed.</summary>
    public void Publish(GatewaySettings settings)
    {
        _publishing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        settings.Number = _value.Number + 1;
        _previous = _value;
        _value = settings;
    }

    public void EndPublishing()
    {
        var publishing = _publishing;
        _publishing = null;
        publishing?.SetResult();
    }

    /// <summary>An upstream token by its name, as new as can be: a token that was changed is not used any more, by whatever began before.</summary>
    /// <param name="began">The settings that the request began with: its route may name a credential that the newest ones do not have.</param>
    /// <exception cref="InvalidOperationException">None has it, which their check rules out. Nothing must be sent without.</exception>
    public Secret Credential(string name, GatewaySettings? began) =>
        _value.Credentials.GetValueOrDefault(name) ?? began?.Credentials.GetValueOrDefault(name) ?? _previous.Credentials.GetValueOrDefault(name)
        ?? throw new InvalidOperationException("A credential that a route names is gone.");
}
