namespace Lumiku.Gateway.Settings;

/// <summary>What one change of the settings file changes, key by key.</summary>
internal sealed record SettingsChanges(IReadOnlyList<SettingsChange> Effective, IReadOnlyList<SettingsChange> Overridden)
{
    /// <param name="before">The whole configuration with the file as it was.</param>
    /// <param name="after">And with the file as it is.</param>
    /// <param name="fileBefore">What the file said alone.</param>
    /// <param name="fileAfter">And says.</param>
    public static SettingsChanges Of(IConfiguration before, IConfiguration after, IDictionary<string, string?> fileBefore, IDictionary<string, string?> fileAfter)
    {
        List<SettingsChange> effective = [], overridden = [];
        foreach (var key in fileBefore.Keys.Union(fileAfter.Keys, StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase))
        {
            if (before[key] != after[key])
            {
                effective.Add(new SettingsChange(key, Shown(key, before[key]), Shown(key, after[key])));
            }
            else if (Said(fileBefore, key) != Said(fileAfter, key))
            {
                overridden.Add(new SettingsChange(key, Shown(key, Said(fileAfter, key)), Shown(key, after[key])));
            }
        }

        return new SettingsChanges(effective, overridden);

        static string? Said(IDictionary<string, string?> file, string key) => file.TryGetValue(key, out var value) ? value : null;
    }

    /// <summary>Keys of a settings file whose value is a secret, which belongs into a variable.</summary>
    public static IEnumerable<string> SecretsIn(IDictionary<string, string?> file) =>
        file.Where(pair => !string.IsNullOrEmpty(pair.Value) && IsSecret(pair.Key, pair.Value)).Select(pair => pair.Key);

    /// <summary>A value for a log: short, without control characters, and a secret as a part of its SHA-256, by which two can be told apart.</summary>
    public static string Shown(string key, string? value) => value switch
    {
        null => "nothing",
        "" => "empty",
        _ when IsSecret(key, value) => $"#{TextDigest.Of(value, digits: 8)}",
        _ => SettingsShape.Printable(value),
    };

    /// <summary>A URL of Redis is none unless it has a password.</summary>
    private static bool IsSecret(string key, string value) =>
        SettingsSchema.Find(key) is { IsSecret: true } && (!key.StartsWith("Redis:", StringComparison.OrdinalIgnoreCase) || value.Contains('@', StringComparison.Ordinal));
}

/// <summary>One key that changed.</summary>
/// <param name="Old">For people; what the file says, where a variable has the last word.</param>
/// <param name="New">For people.</param>
internal readonly record struct SettingsChange(string Key, string Old, string New);
