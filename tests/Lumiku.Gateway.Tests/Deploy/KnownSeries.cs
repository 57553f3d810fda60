using System.Text.RegularExpressions;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Shouldly;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>What there is to ask for: the gateway's series, what Prometheus adds, and what the rules record. Says where an expression asks for anything else.</summary>
internal sealed partial class KnownSeries(EveryMetric metrics, IReadOnlyDictionary<string, PromQuery> recorded)
{
    /// <summary>Labels that Prometheus adds.</summary>
    private static readonly string[] Added = ["job", "instance"];

    /// <summary>Called counters by .NET, though they go up and down.</summary>
    private static readonly string[] Miscalled = ["dotnet_thread_pool_thread_count_total", "dotnet_thread_pool_queue_length_total"];

    private static readonly string[] Outcomes =
    [
        "ok", "caller-gone",
        .. Problem().Matches(File.ReadAllText(Path.Combine(Repository.Root, "src", "Lumiku.Gateway", "GatewayProblems.cs"))).Select(problem => problem.Groups[1].Value),
    ];

    public void ShouldAnswer(PromQuery query)
    {
        query.Selectors.ShouldNotBeEmpty(query.Text);
        foreach (var selector in query.Selectors)
        {
            var labels = LabelsOf(selector.Name);
            foreach (var (label, value) in selector.Matchers)
            {
                labels.ShouldContain(label, $"{selector.Name} in {query.Text}");
                if (!value.Contains('$', StringComparison.Ordinal))
                {
                    value.Split('|').ShouldBeSubsetOf(ValuesOf(selector.Name, label), $"{label} in {query.Text}");
                }
            }

            ShouldBeRatedAsItIs(selector, query.Text);
        }

        foreach (var (labels, what) in query.Groupings)
        {
            foreach (var selector in what.Selectors)
            {
                labels.ShouldBeSubsetOf(LabelsOf(selector.Name), $"{selector.Name} in {query.Text}");
            }
        }
    }

    /// <summary>The labels of a series, as far as they are known; fails where there is no such series.</summary>
    public string[] LabelsOf(string name)
    {
        if (recorded.TryGetValue(name, out var query))
        {
            return [.. query.Kept!.Where(label => label != "le")];
        }

        (name == "up" || metrics.Shown.Samples.Keys.Any(series => series == name || series.StartsWith($"{name}{{", StringComparison.Ordinal))).ShouldBeTrue($"there is no {name}");
        return [.. Added, .. metrics.LabelsOf(name).Select(label => label.Key)];
    }

    /// <summary>The labels of what an expression answers with: those of the series that it begins with, or those that its first <c>by</c> keeps.</summary>
    public string[] LabelsOfAnswer(PromQuery query)
    {
        var first = query.Selectors.First().Name;
        return query.Text.TrimStart('(').StartsWith(first, StringComparison.Ordinal) ? LabelsOf(first) : query.Kept ?? [];
    }

    /// <summary>Of a closed list where there is one; else what was seen.</summary>
    private IEnumerable<string> ValuesOf(string name, string label) => (Origin(name), label) switch
    {
        (_, "job") => ["lumiku-gateway"],
        (_, "gen_ai_request_model") => ["none", "other"],
        (_, "lumiku_cache") => ["hit", "miss", "coalesced", "bypass", "none"],
        ("lumiku_requests_total", "lumiku_outcome") => Outcomes,
        ("lumiku_limits_refusals_total", "lumiku_limit") => LimitPolicies.All.Names(),
        (_, "lumiku_outcome") => [.. Enum.GetNames<FailureClass>(), "ok"],
        (_, "error_type") => [.. Enum.GetNames<FailureClass>(), "none"],
        var (origin, _) => metrics.LabelsOf(origin)[label],
    };

    /// <summary>The gateway's series that a recorded one is made of.</summary>
    private string Origin(string name) => recorded.TryGetValue(name, out var query) ? Origin(query.Selectors.First().Name) : name;

    /// <summary>Counters are only ever looked at by how they change, and gauges never.</summary>
    private void ShouldBeRatedAsItIs(PromQuery.Selector selector, string text)
    {
        if (selector.Name == "up" || recorded.ContainsKey(selector.Name) || Miscalled.Contains(selector.Name))
        {
            return;
        }

        var isCounter = metrics.Shown.Types.GetValueOrDefault(selector.Name) != "gauge";
        (selector.IsRated || (isCounter && selector.IsLookedForNew)).ShouldBe(isCounter, $"{selector.Name} in {text}");
    }

    [GeneratedRegex("""\(\s*\d{3}, "([a-z-]+)",""")]
    private static partial Regex Problem();
}
