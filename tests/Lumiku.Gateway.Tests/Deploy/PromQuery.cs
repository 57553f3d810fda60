using System.Text.RegularExpressions;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>The names in an expression of PromQL. No parser: promtool is one.</summary>
internal sealed partial record PromQuery(string Text)
{
    /// <summary>The series that are asked for, each with the text before and after it.</summary>
    public IEnumerable<Selector> Selectors
    {
        get
        {
            var text = Grouping().Replace(Text, " ");
            return Series().Matches(text).Where(series => series.Groups[1].Value is not ("and" or "or" or "unless" or "offset"))
                .Select(series => new Selector(
                    series.Groups[1].Value,
                    [.. Matcher().Matches(series.Groups[2].Value).Select(matcher => (matcher.Groups[1].Value, matcher.Groups[2].Value))],
                    text[..series.Index].TrimEnd(),
                    text[(series.Index + series.Length)..].TrimStart()));
        }
    }

    /// <summary>The labels of each <c>by</c> and <c>on</c>, with what they group: for <c>on</c> that is the whole expression.</summary>
    public IEnumerable<(string[] Labels, PromQuery What)> Groupings => Grouping().Matches(Text).Select(grouping =>
        (Split(grouping.Groups[2].Value), grouping.Groups[1].Value == "by" ? new PromQuery(Inside(grouping.Index + grouping.Length)) : this));

    /// <summary>What the first <c>by</c> keeps; null where there is none.</summary>
    public string[]? Kept => Grouping().Matches(Text).Where(grouping => grouping.Groups[1].Value == "by").Select(grouping => Split(grouping.Groups[2].Value)).FirstOrDefault();

    private static string[] Split(string labels) => labels.Split(',', StringSplitOptions.TrimEntries);

    /// <summary>The text between the next parenthesis and its partner.</summary>
    private string Inside(int from)
    {
        var begin = Text.IndexOf('(', from);
        var (end, depth, isQuoted) = (begin, 0, false);
        do
        {
            isQuoted ^= Text[end] == '"';
            depth += isQuoted ? 0 : Text[end] switch { '(' => 1, ')' => -1, _ => 0 };
            end++;
        }
        while (depth > 0);
        return Text[(begin + 1)..(end - 1)];
    }

    /// <param name="Matchers">Labels and values as they stand there.</param>
    internal sealed record Selector(string Name, (string Label, string Value)[] Matchers, string Before, string After)
    {
        public bool IsRated => Before.EndsWith("rate(", StringComparison.Ordinal) || Before.EndsWith("increase(", StringComparison.Ordinal);

        /// <summary>One side of <c>x unless x offset 10m</c>, by which a new series is seen.</summary>
        public bool IsLookedForNew => After.StartsWith("unless", StringComparison.Ordinal) || Before.EndsWith("unless", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\b(by|on)\s*\(([^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex("""(?<![\w."$])(?>([a-zA-Z_:][a-zA-Z0-9_:]*))(?!\s*\()(?:\{((?:[^"}]|"[^"]*")*)\})?""")]
    private static partial Regex Series();

    [GeneratedRegex("([a-zA-Z_][a-zA-Z0-9_]*)\\s*(?:=|!=|=~|!~)\\s*\"([^\"]*)\"")]
    private static partial Regex Matcher();
}
