namespace Lumiku.Gateway.Settings;

/// <summary>Settings that cannot be served with. Nothing of them has been applied.</summary>
/// <param name="mistakes">One sentence a mistake, each naming its key; never a secret's value.</param>
internal sealed class SettingsException(params IReadOnlyList<string> mistakes) : Exception(string.Join(Environment.NewLine, mistakes))
{
    public IReadOnlyList<string> Mistakes { get; } = mistakes;
}
