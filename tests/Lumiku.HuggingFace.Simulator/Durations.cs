using System.Globalization;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>Durations as people type them: <c>250ms</c>, <c>2s</c>, <c>1.5m</c>.</summary>
internal static class Durations
{
    /// <summary>An hour: nothing in a test waits longer, and longer is a typing mistake.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <exception cref="FormatException">Not a duration, or longer than an hour.</exception>
    public static TimeSpan Parse(string text) =>
        TryParse(text, out var duration)
            ? duration
            : throw new FormatException($"'{text}' is not a duration such as 250ms, 2s or 1.5m, of an hour at most.");

    public static string Format(TimeSpan duration) =>
        duration.Milliseconds == 0 && duration.Microseconds == 0
            ? duration.TotalSeconds.ToString(CultureInfo.InvariantCulture) + "s"
            : duration.TotalMilliseconds.ToString("0.###", CultureInfo.InvariantCulture) + "ms";

    private static bool TryParse(string text, out TimeSpan duration)
    {
        var (digits, unit) = text switch
        {
            _ when text.EndsWith("ms", StringComparison.Ordinal) => (text[..^2], 1d),
            _ when text.EndsWith('s') => (text[..^1], 1_000d),
            _ when text.EndsWith('m') => (text[..^1], 60_000d),
            _ => (text, 0d),
        };

        duration = TimeSpan.Zero;
        if (unit == 0
            || !double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || number * unit > Longest.TotalMilliseconds)
        {
            return false;
        }

        duration = TimeSpan.FromMilliseconds(number * unit);
        return true;
    }
}
