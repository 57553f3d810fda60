using System.Globalization;

namespace Lumiku.Gateway.Commands.Rehearsal;

/// <summary>A rehearsal for a terminal: what was replayed, a table of what would have been otherwise, and what is assumed.</summary>
internal static class RehearsalTable
{
    private static readonly string[] Heads = ["TIER", "MODEL", "REQUESTS", "UNITS", "SUBSTITUTIONS", "REFUSALS"];
    private static readonly bool[] IsFigure = [false, false, true, true, true, false];

    /// <param name="showsAll">Rows without a difference too.</param>
    public static string Of(RehearsalReport report, bool showsAll)
    {
        var shown = report.Rows.Where(row => showsAll || row.Differs()).ToList();
        var table = report.Requests == 0 ? "" : $"\n{AlignedColumns.Of(Heads, shown.Append(report.Total).Select(Cells), IsFigure)}";
        return $"{Replayed(report)}\n{table}{Left(report.Rows.Count - shown.Count)}\n{report.Assumed}";
    }

    private static string Replayed(RehearsalReport report)
    {
        var when = report is { From: { } from, To: { } to } ? string.Create(CultureInfo.InvariantCulture, $" from {from.UtcDateTime:s}Z to {to.UtcDateTime:s}Z") : "";
        return string.Create(CultureInfo.InvariantCulture, $"Replayed {report.Requests} requests of {report.Log}{when}; passed over: {report.PassedOver} without a tier, a model or a time, {report.Broken} broken.");
    }

    private static string Left(int rows) => rows == 0 ? "" : rows == 1 ? "1 row without a difference is not shown (--all).\n"
        : string.Create(CultureInfo.InvariantCulture, $"{rows} rows without a difference are not shown (--all).\n");

    private static string[] Cells(RehearsalRow row) =>
    [
        OneLine.Of(row.Tier), OneLine.Of(row.Model), row.Requests.ToString(CultureInfo.InvariantCulture),
        Change(row.Then.Units, row.Now.Units), Change(row.Then.Substitutions, row.Now.Substitutions), Refusals(row),
    ];

    private static string Refusals(RehearsalRow row)
    {
        var types = row.Then.Refusals.Keys.Union(row.Now.Refusals.Keys).Order(StringComparer.Ordinal);
        var changes = string.Join(", ", types.Select(type => $"{type} {Change(row.Then.Refusals.GetValueOrDefault(type), row.Now.Refusals.GetValueOrDefault(type))}"));
        return changes.Length == 0 ? "-" : changes;
    }

    private static string Change(long then, long now) => then == now
        ? now.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{then} → {now}");
}
