using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>The names at an upstream that are not callers' to say.</summary>
/// <remarks>
/// What the gateway itself writes there would be said twice, and most parsers take the last; what it relies on would change the answer; and a
/// parameter that callers have another name for would go past that name's rules. Without regard to case, as some parsers read names.
/// </remarks>
internal static class ReservedNames
{
    /// <param name="name">As the caller says it.</param>
    /// <param name="there">What becomes of it by <c>Rename</c>.</param>
    /// <exception cref="RefusedParameterException">It is reserved.</exception>
    public static void Check(string name, string there, Serving serving)
    {
        if (ReasonAgainst(name, there, serving) is { } reason)
        {
            throw new RefusedParameterException($"'{name}' is not taken for this model by {serving.Upstream}, which serves it: {reason}.");
        }
    }

    public static bool AreSame(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static string? ReasonAgainst(string name, string there, Serving serving)
    {
        var rules = serving.Rules;
        var isRenamed = rules.Rename.ContainsKey(name);
        var sizes = isRenamed ? PictureSize.NamesIn(serving.Size) : PictureSize.Names;
        return serving.Dialect.OwnNames.Contains(there, StringComparer.OrdinalIgnoreCase) ? "it is the gateway's own to say there"
            : AreSame(there, "prompt") ? "the prompt is said in 'inputs'"
            : sizes.Contains(there, StringComparer.OrdinalIgnoreCase) ? "a size is said as 'width' and 'height'"
            : rules.Format is { Length: > 0 } format && AreSame(there, format) ? "the format is said by Accept"
            : serving.Served.Pictures.FirstOrDefault(pair => AreSame(there, NameOf(pair.Value))).Key is { } picture ? $"the picture is called '{picture}' here (Pictures)"
            : !isRenamed && rules.Rename.FirstOrDefault(pair => AreSame(there, pair.Value)).Key is { } known ? $"it is called '{known}' here (Rename)"
            : null;
    }

    /// <summary>The name of a picture there, which settings write <c>[]</c> behind for a list.</summary>
    private static string NameOf(string picture) => picture.EndsWith("[]", StringComparison.Ordinal) ? picture[..^2] : picture;
}
