using System.Text.RegularExpressions;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>The list in <c>docs/operations.md</c> is what <c>/metrics</c> has.</summary>
[Collection(OneRun.Name)]
public sealed partial class DocumentedMetricsTests(EveryMetric metrics)
{
    private static readonly List<Match> Rows = [.. Row().Matches(Document("operations.md")).Cast<Match>()];

    [Fact]
    public void Every_metric_of_the_gateways_own_is_listed_and_none_else() =>
        Rows.Select(Name).Order(StringComparer.Ordinal).ShouldBe(metrics.Own.Order(StringComparer.Ordinal));

    [Fact]
    public void Each_is_listed_with_its_type_and_labels()
    {
        foreach (var row in Rows)
        {
            var type = row.Groups[2].Value;
            type.ShouldBe(metrics.Shown.Types[Name(row)], Name(row));
            metrics.LabelsOf(type == "histogram" ? $"{Name(row)}_count" : Name(row)).Select(label => label.Key)
                .ShouldBe(Quoted().Matches(row.Groups[3].Value).Select(label => label.Value), ignoreOrder: true, Name(row));
        }
    }

    [Fact]
    public void What_the_documentation_names_is_there()
    {
        var known = Rows.SelectMany(row => Quoted().Matches(row.Value)).Select(name => name.Value).ToHashSet();
        foreach (var document in new[] { "operations.md", "configuration.md" })
        {
            Quoted().Matches(Document(document)).Select(name => name.Value).Where(name => name.StartsWith("lumiku_", StringComparison.Ordinal)).ShouldBeSubsetOf(known, document);
        }
    }

    private static string Name(Match row) => row.Groups[1].Value;

    private static string Document(string name) => File.ReadAllText(Path.Combine(Repository.Root, "docs", name));

    [GeneratedRegex(@"^\| `((?:lumiku|gen_ai)_\w+)` \| (\w+) \|[^|]*\|([^|]*)\|.*$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"(?<=`)\w+(?=`)")]
    private static partial Regex Quoted();
}
