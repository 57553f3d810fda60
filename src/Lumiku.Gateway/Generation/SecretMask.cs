using System.Text;
using System.Text.RegularExpressions;

namespace Lumiku.Gateway.Generation;

/// <summary>Makes upstream's words fit to be shown: no secret, no control character, at most 500 characters.</summary>
internal static partial class SecretMask
{
    private const int MaximumLength = 500;

    /// <param name="secrets">Values that must not appear; those of fewer than four characters are too common to be looked for.</param>
    /// <returns>Null where nothing is left.</returns>
    public static string? Apply(string text, IEnumerable<string> secrets)
    {
        foreach (var secret in secrets.Where(secret => secret.Length >= 4).OrderByDescending(secret => secret.Length))
        {
            text = text.Replace(secret, "***", StringComparison.OrdinalIgnoreCase);
        }

        text = TokenShape().Replace(text, "***");
        var shown = new StringBuilder(Math.Min(text.Length, MaximumLength));
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length + rune.Utf16SequenceLength > MaximumLength)
            {
                break;
            }

            // White space of any kind becomes one blank.
            if (Rune.IsWhiteSpace(rune) || Rune.IsControl(rune))
            {
                if (shown.Length > 0 && shown[^1] != ' ')
                {
                    shown.Append(' ');
                }
            }
            else
            {
                shown.Append(rune.ToString());
            }
        }

        var result = shown.ToString().Trim();
        return result.Length == 0 ? null : result;
    }

    /// <summary>Tokens that are not ours to know: Hugging Face's own shape, and whatever stands behind “Bearer”.</summary>
    [GeneratedRegex(@"hf_[A-Za-z0-9]{8,}|(?<=\bBearer\s)[A-Za-z0-9._~+/=-]{8,}", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex TokenShape();
}
