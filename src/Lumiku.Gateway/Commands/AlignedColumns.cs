using System.Text;

namespace Lumiku.Gateway.Commands;

/// <summary>A table for a terminal: a line a row, columns aligned, the last one as long as it is.</summary>
internal static class AlignedColumns
{
    /// <param name="isFigure">Columns of figures, which end at the same place.</param>
    public static string Of(IReadOnlyList<string> heads, IEnumerable<string[]> rows, IReadOnlyList<bool> isFigure)
    {
        string[][] lines = [[.. heads], .. rows];
        int[] widths = [.. heads.Select((_, column) => lines.Max(line => line[column].Length))];
        var table = new StringBuilder();
        foreach (var line in lines)
        {
            table.AppendJoin("  ", line.Select((cell, column) =>
                column == line.Length - 1 ? cell : isFigure[column] ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).AppendLine();
        }

        return table.ToString();
    }
}
