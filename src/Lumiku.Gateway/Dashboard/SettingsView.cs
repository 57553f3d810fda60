using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Dashboard;

/// <summary>The settings in force, key by key, as they may be shown.</summary>
internal sealed class SettingsView(GatewayConfiguration configuration, CurrentSettings current)
{
    /// <summary>What is a variable alone, and no key of the file.</summary>
    private static readonly string[] Variables = [ShortVariables.JwtSecret, ShortVariables.OperatorKey];

    /// <param name="running">The configuration that everybody follows.</param>
    public IReadOnlyList<SettingsEntry> Read(IConfiguration running)
    {
        var file = configuration.FileSettings(configuration.FileContent);
        var known = SettingsSchema.Root.Properties;
        return
        [
            .. running.AsEnumerable().Where(pair => pair.Value is not null && known.ContainsKey(pair.Key.Split(':')[0]) && !pair.Key.StartsWith('$'))
                .OrderBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase)
                .Select(pair => new SettingsEntry(pair.Key, SettingsChanges.Shown(pair.Key, pair.Value), file.TryGetValue(pair.Key, out var said) && said == pair.Value ? "file" : "variable")),
            .. from name in Variables
               let secret = name == ShortVariables.JwtSecret ? current.Value.JwtSecret : current.Value.OperatorKey
               where secret is not null
               select new SettingsEntry(name, $"#{TextDigest.Of(secret.Reveal(), digits: 8)}", "variable"),
        ];
    }
}

/// <param name="Value">A secret is <c>#</c> and eight digits of its SHA-256.</param>
/// <param name="Source"><c>file</c> or <c>variable</c>.</param>
internal sealed record SettingsEntry(string Key, string Value, string Source);
