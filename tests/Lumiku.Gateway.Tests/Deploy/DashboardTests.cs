using System.Text.Json;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>The dashboard asks for what the gateway shows, and can be read.</summary>
[Collection(OneRun.Name)]
public sealed partial class DashboardTests(EveryMetric metrics)
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "grafana", "lumiku-gateway.json"));
    private static readonly JsonElement Dashboard = JsonElement.Parse(Text);

    private readonly KnownSeries _known = new(metrics, new Dictionary<string, PromQuery>());

    private static List<JsonElement> All => [.. Dashboard.GetProperty("panels").EnumerateArray()];

    private static List<JsonElement> Panels => [.. All.Where(panel => Said(panel, "type") != "row")];

    private static IEnumerable<JsonElement> Targets => Panels.SelectMany(panel => panel.GetProperty("targets").EnumerateArray());

    [Fact]
    public void Every_panel_asks_for_series_labels_and_values_that_there_are()
    {
        foreach (var target in Targets)
        {
            _known.ShouldAnswer(new PromQuery(Said(target, "expr")));
        }
    }

    [Fact]
    public void Every_one_of_the_gateways_own_metrics_is_shown() =>
        metrics.Own.Where(name => !Targets.Any(target => Said(target, "expr").Contains(name, StringComparison.Ordinal))).ShouldBeEmpty();

    [Fact]
    public void Every_panel_says_what_it_shows_and_in_what_unit()
    {
        Panels.Count.ShouldBeGreaterThan(20);
        foreach (var panel in Panels)
        {
            var title = Said(panel, "title");
            title.ShouldNotBeEmpty();
            Said(panel, "description").ShouldNotBeEmpty(title);
            Said(panel.GetProperty("fieldConfig").GetProperty("defaults"), "unit").ShouldBeOneOf(["reqps", "percentunit", "short", "s", "bytes"], title);
            panel.GetProperty("targets").GetArrayLength().ShouldBeGreaterThan(0, title);
        }
    }

    [Fact]
    public void Every_label_in_a_legend_is_in_the_answer()
    {
        foreach (var target in Targets)
        {
            var query = new PromQuery(Said(target, "expr"));
            var legend = Said(target, "legendFormat");
            legend.ShouldNotBeEmpty(query.Text);
            LegendLabel().Matches(legend).Select(label => label.Groups[1].Value).ShouldBeSubsetOf(_known.LabelsOfAnswer(query), query.Text);
        }
    }

    [Fact]
    public void The_rows_are_there_in_their_order() =>
        All.Where(panel => Said(panel, "type") == "row").Select(row => Said(row, "title")).ShouldBe(["Now", "Latency", "Limits", "Cache & Redis", "Upstream", "Process", "Cost"]);

    [Fact]
    public void No_panel_lies_on_another_and_ids_are_unique()
    {
        All.Select(panel => panel.GetProperty("id").GetInt32()).ShouldBeUnique();
        var cells = All.Select(panel => panel.GetProperty("gridPos")).SelectMany(place =>
            from x in Enumerable.Range(Number(place, "x"), Number(place, "w"))
            from y in Enumerable.Range(Number(place, "y"), Number(place, "h"))
            select (X: x, Y: y)).ToList();

        cells.ShouldBeUnique();
        cells.ShouldAllBe(cell => cell.X < 24);
    }

    [Fact]
    public void The_data_source_is_whatever_is_chosen_at_the_top()
    {
        var sources = DataSource().Matches(Text).Select(source => source.Groups[1].Value).ToList();

        sources.Count.ShouldBeGreaterThan(Panels.Count);
        sources.ShouldAllBe(uid => uid == "${datasource}");
    }

    [Fact]
    public void Every_variable_is_declared_and_takes_its_values_from_a_series_that_there_is()
    {
        var variables = Dashboard.GetProperty("templating").GetProperty("list").EnumerateArray().ToList();
        var names = variables.Select(variable => Said(variable, "name")).ToList();

        names.ShouldBe(["datasource", "job", "instance", "tier", "model"]);
        Targets.SelectMany(target => Variable().Matches(Said(target, "expr"))).Select(variable => variable.Groups[1].Value).Where(name => name != "__rate_interval").Distinct().Order()
            .ShouldBe(names.Skip(1).Order());
        foreach (var variable in variables.Where(variable => Said(variable, "type") == "query"))
        {
            var values = Values().Match(Said(variable, "definition"));
            _known.LabelsOf(values.Groups[1].Value).ShouldContain(values.Groups[2].Value);
        }
    }

    private static string Said(JsonElement element, string property) => element.TryGetProperty(property, out var value) ? value.GetString() ?? "" : "";

    private static int Number(JsonElement element, string property) => element.GetProperty(property).GetInt32();

    [GeneratedRegex("\"datasource\": \\{[^}]*?\"uid\": \"([^\"]*)\"")]
    private static partial Regex DataSource();

    [GeneratedRegex(@"\$(\w+)")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex LegendLabel();

    [GeneratedRegex(@"^label_values\((\w+)(?:\{.*\})?, (\w+)\)$")]
    private static partial Regex Values();
}
