namespace Lumiku.Gateway.Settings;

/// <summary>Binds sections whose names and values <see cref="SettingsShape"/> has checked, and collects every further mistake, so that an operator sees all at once.</summary>
internal sealed class SettingsReader(IConfiguration configuration)
{
    private readonly List<string> _mistakes = [];

    public IReadOnlyList<string> Mistakes => _mistakes;

    /// <summary>The section bound; the defaults where it is missing.</summary>
    public T Section<T>(string key)
        where T : class, new()
    {
        try
        {
            return configuration.GetSection(key).Get<T>() ?? new T();
        }
        catch (InvalidOperationException)
        {
            // What the binder says quotes the value, which may be a secret.
            Refuse(key, "holds a value of the wrong kind");
            return new T();
        }
    }

    /// <summary>Records a mistake.</summary>
    /// <param name="key">The full key, as an operator would write it.</param>
    /// <param name="rule">What is wrong, as the rest of a sentence that begins with the key.</param>
    public void Refuse(string key, string rule) => _mistakes.Add($"'{SettingsShape.Printable(key)}' {rule}{(rule.EndsWith('?') ? "" : ".")}");
}
