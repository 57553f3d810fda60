using System.Text;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>The table of kinds in README.md, which <c>--kinds</c> prints.</summary>
internal static class KindsTable
{
    public static string AsMarkdown()
    {
        var table = new StringBuilder("| Kind | What happens |\n|---|---|\n");
        foreach (var kind in Misbehaviour.Kinds)
        {
            table.Append("| `").Append(kind.Example).Append("` | ").Append(kind.Description).Append(" |\n");
        }

        return table.ToString();
    }
}
