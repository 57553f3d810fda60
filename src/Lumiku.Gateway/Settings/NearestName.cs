namespace Lumiku.Gateway.Settings;

/// <summary>What somebody may have meant who misspelled a name.</summary>
internal static class NearestName
{
    /// <summary>The end of a sentence about a name that is not known: <c>; did you mean 'x'?</c>, or nothing.</summary>
    public static string Hint(string name, IEnumerable<string> known) => Of(name, known) is { } nearest ? $"; did you mean '{nearest}'?" : "";

    /// <returns>The known name with the fewest changes of a letter (missing, too many, another, two swapped), where they are few for its length; else null.</returns>
    public static string? Of(string name, IEnumerable<string> known)
    {
        if (name.Length > 64)
        {
            return null;
        }

        var (nearest, distance) = known.Select(other => (other, Distance(name.ToUpperInvariant(), other.ToUpperInvariant()))).DefaultIfEmpty(("", int.MaxValue)).MinBy(pair => pair.Item2);
        return distance <= Math.Max(1, Math.Min(name.Length, nearest.Length) / 3) ? nearest : null;
    }

    /// <summary>Damerau's and Levenshtein's, in its simple form: no letter is changed twice.</summary>
    private static int Distance(string some, string other)
    {
        var rows = new int[some.Length + 1, other.Length + 1];
        for (var i = 0; i <= some.Length; i++)
        {
            rows[i, 0] = i;
        }

        for (var j = 0; j <= other.Length; j++)
        {
            rows[0, j] = j;
        }

        for (var i = 1; i <= some.Length; i++)
        {
            for (var j = 1; j <= other.Length; j++)
            {
                var isSame = some[i - 1] == other[j - 1];
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (isSame ? 0 : 1));
                if (i > 1 && j > 1 && some[i - 1] == other[j - 2] && some[i - 2] == other[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[some.Length, other.Length];
    }
}
