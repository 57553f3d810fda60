using System.Globalization;
using System.Text.RegularExpressions;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A strict reader of Prometheus' text format 0.0.4: whatever a scraper might stumble over fails.</summary>
public sealed partial class Exposition
{
    private readonly Dictionary<string, double> _samples = [];
    private readonly Dictionary<string, string> _types = [];

    private Exposition()
    {
    }

    /// <summary>Values by series: the name, and the labels sorted by name without the meter's.</summary>
    public IReadOnlyDictionary<string, double> Samples => _samples;

    /// <summary>Types by family.</summary>
    public IReadOnlyDictionary<string, string> Types => _types;

    public static Exposition Parse(string text)
    {
        text.ShouldEndWith("\n");
        text.ShouldNotContain("\r");
        var exposition = new Exposition();
        HashSet<string> ended = [], helped = [];
        var family = "";
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith("# EOF", StringComparison.Ordinal))
            {
                continue;
            }

            if (Comment().Match(line) is { Success: true } comment)
            {
                var name = comment.Groups[2].Value;
                if (name != family)
                {
                    ended.Add(family);
                    ended.ShouldNotContain(name, "a family's lines stand together");
                    family = name;
                }

                if (comment.Groups[1].Value == "TYPE")
                {
                    comment.Groups[3].Value.ShouldBeOneOf("counter", "gauge", "histogram", "summary", "untyped");
                    exposition._types.TryAdd(name, comment.Groups[3].Value).ShouldBeTrue($"{name} has two types");
                }
                else
                {
                    helped.Add(name).ShouldBeTrue($"{name} has two descriptions");
                    BadEscape().IsMatch(comment.Groups[3].Value).ShouldBeFalse(line);
                }

                continue;
            }

            exposition.Add(line, family);
        }

        exposition._types.Keys.Where(name => name != "target_info").ShouldBeSubsetOf(helped);
        exposition.CheckHistograms();
        return exposition;
    }

    /// <summary>The sum of a family's series, or of those whose labels have all of these.</summary>
    public double Sum(string name, params string[] labels) =>
        _samples.Where(sample => (sample.Key == name || sample.Key.StartsWith($"{name}{{", StringComparison.Ordinal)) && labels.All(label => sample.Key.Contains(label, StringComparison.Ordinal))).Sum(sample => sample.Value);

    /// <summary>The series of one family, by their labels.</summary>
    public Dictionary<string, double> Series(string name) =>
        _samples.Where(sample => sample.Key.StartsWith($"{name}{{", StringComparison.Ordinal)).ToDictionary(sample => sample.Key[(name.Length + 1)..^1], sample => sample.Value);

    private void Add(string line, string family)
    {
        var sample = Sample().Match(line);
        sample.Success.ShouldBeTrue($"is no sample: {line}");
        var name = sample.Groups[1].Value;
        var own = _types.GetValueOrDefault(family) == "histogram" ? name.Replace("_bucket", "", StringComparison.Ordinal).Replace("_count", "", StringComparison.Ordinal).Replace("_sum", "", StringComparison.Ordinal) : name;
        own.ShouldBe(family, $"belongs to the family before it: {line}");
        List<string> labels = [];
        if (sample.Groups[2].Success)
        {
            var rest = sample.Groups[2].Value;
            var found = Label().Matches(rest);
            string.Concat(found.Select(label => label.Value)).TrimEnd(',').Length.ShouldBe(rest.TrimEnd(',').Length, $"labels: {line}");
            labels.AddRange(found.Select(label => label.Value.TrimEnd(',')));
            labels.Select(label => label.Split('=')[0]).ShouldBeUnique(line);
            labels.RemoveAll(label => label.StartsWith("otel_scope_", StringComparison.Ordinal));
        }

        double.TryParse(sample.Groups[3].Value.Replace("+Inf", "Infinity", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out var value).ShouldBeTrue(line);
        labels.Sort(StringComparer.Ordinal);
        _samples.TryAdd(labels.Count == 0 ? name : $"{name}{{{string.Join(',', labels)}}}", value).ShouldBeTrue($"twice: {line}");
    }

    /// <summary>Buckets only ever grow, and the last holds all.</summary>
    private void CheckHistograms()
    {
        foreach (var family in _types.Where(type => type.Value == "histogram").Select(type => type.Key))
        {
            var buckets = Series($"{family}_bucket").GroupBy(bucket => string.Join(',', bucket.Key.Split(',').Where(label => !label.StartsWith("le=", StringComparison.Ordinal))));
            foreach (var series in buckets)
            {
                var ordered = series.Select(bucket => (Le: Le().Match(bucket.Key).Groups[1].Value, bucket.Value))
                    .OrderBy(bucket => bucket.Le == "+Inf" ? double.PositiveInfinity : double.Parse(bucket.Le, CultureInfo.InvariantCulture)).ToList();
                ordered[^1].Le.ShouldBe("+Inf", family);
                ordered.Select(bucket => bucket.Value).ShouldBe(ordered.Select(bucket => bucket.Value).Order(), family);
                var key = series.Key.Length == 0 ? "" : $"{{{series.Key}}}";
                _samples[$"{family}_count{key}"].ShouldBe(ordered[^1].Value, family);
                _samples.ShouldContainKey($"{family}_sum{key}");
            }
        }
    }

    [GeneratedRegex("^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$")]
    private static partial Regex Comment();

    [GeneratedRegex("^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)\\})? ([^ ]+)(?: [0-9]+)?$")]
    private static partial Regex Sample();

    [GeneratedRegex("[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\\\n]|\\\\[\\\\n\"])*\",?")]
    private static partial Regex Label();

    [GeneratedRegex("le=\"([^\"]+)\"")]
    private static partial Regex Le();

    [GeneratedRegex(@"\\(?![\\n])")]
    private static partial Regex BadEscape();
}
