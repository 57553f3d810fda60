using System.Text.RegularExpressions;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;
using YamlDotNet.Serialization;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>The alerts ask for what the gateway shows, and say what to do.</summary>
[Collection(OneRun.Name)]
public sealed partial class RulesTests(EveryMetric metrics)
{
    private readonly RuleFile _file = RuleFile.Read();

    [Fact]
    public void Every_rule_asks_for_series_labels_and_values_that_there_are()
    {
        var known = new KnownSeries(metrics, _file.Recorded);

        _file.Alerts.Count().ShouldBeGreaterThan(10);
        foreach (var rule in _file.Rules)
        {
            known.ShouldAnswer(rule.Query);
        }
    }

    [Fact]
    public void Every_recorded_series_is_asked_for() =>
        _file.Recorded.Keys.ShouldBeSubsetOf(_file.Rules.SelectMany(rule => rule.Query.Selectors).Select(selector => selector.Name));

    [Fact]
    public void Every_alert_wakes_somebody_or_waits_and_says_what_is_wrong_and_what_to_do()
    {
        var operations = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"));
        var anchors = Heading().Matches(operations).Select(heading => heading.Groups[1].Value.ToLowerInvariant()).ToList();

        _file.Alerts.Select(alert => alert.Alert).ShouldBeUnique();
        foreach (var alert in _file.Alerts)
        {
            Duration().IsMatch(alert.For ?? "").ShouldBeTrue(alert.Alert);
            alert.Labels["severity"].ShouldBeOneOf(["page", "ticket"], alert.Alert);
            alert.Annotations["summary"].ShouldNotBeNullOrWhiteSpace();
            alert.Annotations["description"].Length.ShouldBeGreaterThan(60, alert.Alert);
            alert.Annotations["runbook"].ShouldBe($"docs/operations.md#{alert.Alert!.ToLowerInvariant()}");
            anchors.ShouldContain(alert.Alert.ToLowerInvariant());
        }

        anchors.Where(anchor => anchor.StartsWith("lumiku", StringComparison.Ordinal)).ShouldBe(_file.Alerts.Select(alert => alert.Alert!.ToLowerInvariant()));
    }

    [Fact]
    public void The_labels_in_an_alerts_text_are_its_own()
    {
        var known = new KnownSeries(metrics, _file.Recorded);
        foreach (var alert in _file.Alerts)
        {
            LabelInText().Matches(string.Concat(alert.Annotations.Values)).Select(label => label.Groups[1].Value).ShouldBeSubsetOf(known.LabelsOfAnswer(alert.Query), alert.Alert);
        }
    }

    [Fact]
    public void Every_alert_is_tried_where_it_is_due_and_where_it_is_not()
    {
        var cases = File.ReadAllText(RuleFile.PathOf("lumiku-gateway.rules.test.yml")).Split("  - interval:")[1..];
        foreach (var alert in _file.Alerts)
        {
            var own = cases.Where(one => one.Contains($"alertname=\"{alert.Alert}\"", StringComparison.Ordinal)).ToList();
            own.ShouldContain(one => one.Contains("value: 1", StringComparison.Ordinal), alert.Alert);
            own.ShouldContain(one => one.Contains("exp_samples: []", StringComparison.Ordinal), alert.Alert);
        }
    }

    [Fact]
    public void Memory_is_measured_by_the_limit_that_compose_sets()
    {
        ComposeFile.Main.Services["gateway"].MemoryLimit.ShouldBe(1L << 30);
        _file.Alerts.Single(alert => alert.Alert == "LumikuMemoryHigh").Expr.ShouldContain($"{1L << 30}");
    }

    [Fact]
    public void The_example_scrapes_with_the_operators_key_under_the_name_that_the_rules_know()
    {
        var example = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(File.ReadAllText(RuleFile.PathOf("prometheus.yml")));

        foreach (string file in ((List<object>)example["rule_files"]).Cast<string>())
        {
            File.Exists(RuleFile.PathOf(file)).ShouldBeTrue(file);
        }

        var job = (Dictionary<object, object>)((List<object>)example["scrape_configs"]).Single();
        job["job_name"].ShouldBe("lumiku-gateway");
        job["metrics_path"].ShouldBe("/metrics");
        ((Dictionary<object, object>)job["authorization"]).Keys.ShouldBe(["type", "credentials_file"]);
    }

    [GeneratedRegex(@"^#+ (\w+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("^[1-9][0-9]*[mh]$")]
    private static partial Regex Duration();

    [GeneratedRegex(@"\$labels\.(\w+)")]
    private static partial Regex LabelInText();
}
