using Lumiku.Gateway.Bench.Load;

namespace Lumiku.Gateway.Bench.Scenarios;

/// <summary>One server in one round.</summary>
internal sealed record Measurement(WrkFigures Load, TimeSpan Cpu)
{
    public double CpuMicroseconds => Cpu.TotalMicroseconds / Load.Requests;
}

/// <summary>One server over all rounds that count: a row of the table. Figures are medians.</summary>
/// <param name="Reference">The rounds of the server that ratios are taken to.</param>
/// <param name="Goal">Null: none is set for this server.</param>
/// <param name="Errors">In every round, the one thrown away and the warm-up included.</param>
internal sealed record LoadResult(
    string Scenario, string Server, IReadOnlyList<Measurement> Rounds, IReadOnlyList<Measurement> Reference, double? Goal, long Errors, long PeakBytes)
{
    public double PerSecond => Median(round => round.Load.PerSecond);

    /// <summary>Of each round's own ratio: what slows the machine for a while slows both sides.</summary>
    public double Ratio => Middle(Rounds.Zip(Reference, (own, reference) => own.Load.PerSecond / reference.Load.PerSecond));

    public double CpuMicroseconds => Median(round => round.CpuMicroseconds);

    public double P50Milliseconds => Median(round => round.Load.P50) / 1000;

    public double P99Milliseconds => Median(round => round.Load.P99) / 1000;

    private double Median(Func<Measurement, double> figure) => Middle(Rounds.Select(figure));

    private static double Middle(IEnumerable<double> figures)
    {
        var sorted = figures.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
