namespace Lumiku.Gateway.Settings;

/// <summary>What becomes of the settings file, for the log.</summary>
internal static partial class SettingsLog
{
    /// <summary>Lines about single keys for one change; how many more there are is said.</summary>
    private const int MostLines = 50;

    public static void Applied(ILogger logger, string path, int number, SettingsChanges changes, bool wasGood)
    {
        Applied(logger, path, number, changes.Effective.Count == 0 ? wasGood ? "nothing that counts has changed" : "nothing else has changed" : $"{changes.Effective.Count} changed");
        foreach (var change in changes.Effective.Take(MostLines))
        {
            Changed(logger, number, SettingsShape.Printable(change.Key), change.Old, change.New);
        }

        if (changes.Effective.Count > MostLines)
        {
            MoreChanged(logger, number, changes.Effective.Count - MostLines);
        }

        foreach (var change in changes.Overridden.Take(MostLines))
        {
            Overridden(logger, number, SettingsShape.Printable(change.Key), change.Old, change.New);
        }
    }

    public static void Refused(ILogger logger, IReadOnlyList<string> mistakes, int number)
    {
        foreach (var mistake in mistakes.Take(MostLines))
        {
            Refused(logger, number, mistake);
        }

        if (mistakes.Count > MostLines)
        {
            Refused(logger, number, $"and {mistakes.Count - MostLines} more mistakes");
        }
    }

    /// <param name="keys">Those that are looked at.</param>
    public static void WarnOfSecrets(ILogger logger, IEnumerable<string> keys, IDictionary<string, string?> file)
    {
        foreach (var key in SettingsChanges.SecretsIn(file).Intersect(keys, StringComparer.OrdinalIgnoreCase).Take(MostLines))
        {
            SecretInFile(logger, SettingsShape.Printable(key), key.Replace(":", "__", StringComparison.Ordinal), key.EndsWith(":Key", StringComparison.OrdinalIgnoreCase) ? ", or its KeySha256 into the file" : "");
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Applied the settings file {Path} as settings {Settings}: {What}")]
    private static partial void Applied(ILogger logger, string path, int settings, string what);

    [LoggerMessage(2, LogLevel.Error, "Refused the settings file, settings {Settings} stay: {Mistake}")]
    private static partial void Refused(ILogger logger, int settings, string mistake);

    [LoggerMessage(3, LogLevel.Error, "The settings file could not be checked, the last good settings stay")]
    public static partial void TrialFailed(ILogger logger, Exception exception);

    [LoggerMessage(4, LogLevel.Warning, "What changed in Redis or Shutdown counts when the gateway is started again")]
    public static partial void AtRestart(ILogger logger);

    [LoggerMessage(5, LogLevel.Information, "Settings {Settings}: {Key} {Old} → {New}")]
    private static partial void Changed(ILogger logger, int settings, string key, string old, string @new);

    [LoggerMessage(6, LogLevel.Information, "Settings {Settings}: and {More} more keys")]
    private static partial void MoreChanged(ILogger logger, int settings, int more);

    [LoggerMessage(7, LogLevel.Warning, "Settings {Settings}: {Key} was changed in the file to {File}, and that counts for nothing: a variable or the command line says {Value}")]
    private static partial void Overridden(ILogger logger, int settings, string key, string file, string value);

    [LoggerMessage(8, LogLevel.Warning, "{Key} is a secret and lies in the settings file, which more people read than should: put it into the variable {Variable}{Or}")]
    private static partial void SecretInFile(ILogger logger, string key, string variable, string or);

    [LoggerMessage(9, LogLevel.Information, "The settings file is as it was, settings {Settings} are in force and nothing is refused any more")]
    public static partial void Undone(ILogger logger, int settings);
}
