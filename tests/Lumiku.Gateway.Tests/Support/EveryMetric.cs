using System.Text;
using System.Text.RegularExpressions;
using Lumiku.HuggingFace.Simulator;
using Xunit;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>What <c>/metrics</c> says after a run in which everything happened that has a series: with Redis, a kept image, a refusal, and trouble upstream.</summary>
public sealed partial class EveryMetric : ReplicaTests
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    public Exposition Shown { get; private set; } = null!;

    /// <summary>The families that are the gateway's own.</summary>
    public IEnumerable<string> Own => Shown.Types.Keys.Where(name => name.StartsWith("lumiku_", StringComparison.Ordinal) || name.StartsWith("gen_ai_", StringComparison.Ordinal));

    /// <param name="name">Of a series: of a histogram with its <c>_bucket</c> or the like.</param>
    /// <returns>Values by label; empty too where there is no such series.</returns>
    public ILookup<string, string> LabelsOf(string name) => Shown.Samples.Keys
        .Where(series => series.StartsWith($"{name}{{", StringComparison.Ordinal))
        .SelectMany(series => Label().Matches(series))
        .ToLookup(label => label.Groups[1].Value, label => label.Groups[2].Value);

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await StartAsync(1, isPatient: true, $"OPERATOR_KEY={OperatorKey}", "Tiers:basic:RequestsPerMinute=1", "Cost:PerUnit=0.01");
        var body = NewBody();
        (await AskAsync(0, "anna", body)).ShouldBeAnImage();
        (await AskAsync(0, "anna", body)).ShouldBeAnImage();
        (await AskAsync(0, "anna", NewBody(), "pro", TestGateway.Dev)).ShouldBeAnImage(); // Has a fallback, and so a breaker.
        (await AskAsync(0, "ben", NewBody(), "basic")).ShouldBeAnImage();
        (await AskAsync(0, "ben", NewBody(), "basic")).ShouldBe(429, "rate-limited");
        HuggingFace.BehaveNext(Misbehaviour.CreditsDepleted);
        (await AskAsync(0, "anna", NewBody())).ShouldBe(502, "upstream-account");

        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("Authorization", $"Bearer {OperatorKey}");
        Shown = Exposition.Parse(Encoding.UTF8.GetString((await Replicas[0].SendAsync(request)).Body));
    }

    [GeneratedRegex("([a-zA-Z_][a-zA-Z0-9_]*)=\"([^\"]*)\"")]
    private static partial Regex Label();
}

/// <summary>Tests that look at one run, when no other gateway is in this process: metrics are the process'.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class OneRun : ICollectionFixture<EveryMetric>
{
    public const string Name = "every metric";
}
