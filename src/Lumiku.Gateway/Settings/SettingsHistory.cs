using System.Text.RegularExpressions;

namespace Lumiku.Gateway.Settings;

/// <summary>What became of the settings file since the start, for the operators' page; the log has it for longer.</summary>
internal sealed partial class SettingsHistory(GatewayConfiguration configuration, TimeProvider time)
{
    private const int Most = 50;
    private const int MostMistakes = 100;

    private readonly Lock _lock = new();
    private readonly List<SettingsEvent> _events = [];

    /// <summary>The newest first.</summary>
    public IReadOnlyList<SettingsEvent> All
    {
        get
        {
            lock (_lock)
            {
                return [.. Enumerable.Reverse(_events)];
            }
        }
    }

    public void Applied(int number, SettingsChanges changes) => Add(new SettingsEvent(time.GetUtcNow(), number, changes, Mistakes: null));

    public void Undone(int number) => Add(new SettingsEvent(time.GetUtcNow(), number, Changes: null, Mistakes: null));

    /// <param name="content">Of the file, in which the values beside the mistakes are looked up.</param>
    public void Refused(int number, IReadOnlyList<string> mistakes, byte[] content)
    {
        var said = ValuesOf(content);
        Add(new SettingsEvent(time.GetUtcNow(), number, Changes: null, [.. mistakes.Take(MostMistakes).Select(mistake => MistakeOf(mistake, said))]));
    }

    private static SettingsMistake MistakeOf(string mistake, IDictionary<string, string?> said)
    {
        var key = QuotedKey().Match(mistake) is { Success: true } match ? match.Groups[1].Value : null;
        return new SettingsMistake(
            key is null ? null : SettingsShape.Printable(key),
            key is not null && said.TryGetValue(key, out var value) ? SettingsChanges.Shown(key, value) : null,
            mistake);
    }

    private IDictionary<string, string?> ValuesOf(byte[] content)
    {
        try
        {
            return configuration.FileSettings(content);
        }
        catch (SettingsException)
        {
            // It is no JSON: the message says where.
            return new Dictionary<string, string?>();
        }
    }

    private void Add(SettingsEvent happened)
    {
        lock (_lock)
        {
            _events.Add(happened);
            if (_events.Count > Most)
            {
                _events.RemoveAt(0);
            }
        }
    }

    /// <summary>Messages begin with the key that is wrong.</summary>
    [GeneratedRegex("^'([^']+)'")]
    private static partial Regex QuotedKey();
}

/// <param name="Number">Of the settings in force after it.</param>
/// <param name="Changes">What was applied; null: nothing was.</param>
/// <param name="Mistakes">Why the file was refused; null: it was not. With neither, a refused file is as it was before.</param>
internal sealed record SettingsEvent(DateTimeOffset At, int Number, SettingsChanges? Changes, IReadOnlyList<SettingsMistake>? Mistakes);

/// <param name="Key">Null: the whole file.</param>
/// <param name="Value">As the file has it, a secret as a fingerprint; null: it has none there.</param>
internal sealed record SettingsMistake(string? Key, string? Value, string Message);
