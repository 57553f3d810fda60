using System.Globalization;

namespace Lumiku.Gateway.Commands;

/// <summary>The rows of <c>probe</c> for a terminal: aligned columns, and a sentence below them.</summary>
internal static class ProbeTable
{
    private const string Nothing = "-";

    private static readonly string[] Heads = ["MODEL", "SERVED BY", "MADE AT", "STATUS", "BYTES", "SECONDS", "RESULT"];

    /// <summary>Columns of figures, which end at the same place.</summary>
    private static readonly bool[] IsFigure = [false, false, false, false, true, true, false];

    public static string Of(IReadOnlyList<ProbeRow> rows) => $"{AlignedColumns.Of(Heads, rows.Select(Cells), IsFigure)}\n{Sentence(rows)}\n";

    private static string[] Cells(ProbeRow row) =>
    [
        row.Model,
        row.ServedBy is null ? Nothing : OneLine.Of(row.ServedBy),
        row.MadeAt is null ? Nothing : OneLine.Of(row.MadeAt),
        row.Status?.ToString(CultureInfo.InvariantCulture) ?? Nothing,
        row.Bytes?.ToString(CultureInfo.InvariantCulture) ?? Nothing,
        row.Seconds?.ToString("0.0", CultureInfo.InvariantCulture) ?? Nothing,
        OneLine.Of(Result(row)),
    ];

    private static string Result(ProbeRow row)
    {
        if (row.Outcome == ProbeRow.Ok)
        {
            return row.IsStandIn() ? "ok, by another model: its own failed" : "ok";
        }

        var type = row.Type is null ? "" : $"{row.Type}: ";
        // Where the sentence does not quote it already.
        var upstream = row.Upstream is { } said && (said.Error is null || row.Error?.Contains(said.Error, StringComparison.Ordinal) != true)
            ? string.Create(CultureInfo.InvariantCulture, $" (upstream said {said.Status}{(said.Error is null ? "" : $": {said.Error}")})") : "";
        return $"{row.Outcome}: {type}{row.Error}{upstream}";
    }

    private static string Sentence(IReadOnlyList<ProbeRow> rows)
    {
        var (made, standIns) = (rows.Count(row => row.Outcome == ProbeRow.Ok), rows.Count(row => row.Outcome == ProbeRow.Ok && row.IsStandIn()));
        var (failed, skipped) = (rows.Count(row => row.Outcome == ProbeRow.Failed), rows.Count(row => row.Outcome == ProbeRow.Skipped));
        return string.Create(CultureInfo.InvariantCulture, $"{made} of {made + failed} models made an image")
            + (standIns == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {standIns} of them by another model"))
            + (skipped == 0 ? "." : string.Create(CultureInfo.InvariantCulture, $"; {skipped} skipped."));
    }
}
