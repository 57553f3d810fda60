using System.Globalization;
using Lumiku.Gateway.Bench.Scenarios;

namespace Lumiku.Gateway.Bench;

/// <summary>The one table: a row for every server of every scenario.</summary>
internal static class Table
{
    private static readonly string[] Titles = ["scenario", "server", "req/s", "ratio", "goal", "CPU µs/req", "p50 ms", "p99 ms", "errors", "peak MB"];

    public static string Of(IReadOnlyList<LoadResult> results)
    {
        string[][] rows = [Titles, .. results.Select(Cells)];
        var widths = Titles.Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        return string.Join('\n', rows.Select(row => string.Join("  ", row.Select((cell, column) => column < 2 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])))));
    }

    public static string Of(WaitingResult waiting) => string.Create(
        CultureInfo.InvariantCulture,
        $"{waiting.Requests:N0} waiting at once: {waiting.KilobytesEach:N1} kB each (goal {WaitingResult.Goal:N0} or less), from {Megabytes(waiting.BytesBefore)} to {Megabytes(waiting.BytesWaiting)} MB; {waiting.Answered:N0} answered 200");

    private static string[] Cells(LoadResult result) =>
    [
        result.Scenario,
        result.Server,
        Text("N0", result.PerSecond),
        Text("N2", result.Ratio),
        Goal(result),
        Text("N0", result.CpuMicroseconds),
        Text("N2", result.P50Milliseconds),
        Text("N2", result.P99Milliseconds),
        Text("N0", result.Errors),
        Megabytes(result.PeakBytes),
    ];

    private static string Goal(LoadResult result) =>
        result.Goal is not { } goal ? "" : $"{Text("N2", goal)} {(result.Ratio >= goal && result.Errors == 0 ? "reached" : "missed")}";

    private static string Megabytes(long bytes) => Text("N0", bytes / 1024.0 / 1024);

    private static string Text(string format, double figure) => figure.ToString(format, CultureInfo.InvariantCulture);
}
