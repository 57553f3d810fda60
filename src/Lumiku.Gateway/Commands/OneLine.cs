namespace Lumiku.Gateway.Commands;

/// <summary>Words of others in a line of ours: no line break, and nothing that a terminal would obey.</summary>
internal static class OneLine
{
    public static string Of(string text) =>
        string.Join(' ', string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)).Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
