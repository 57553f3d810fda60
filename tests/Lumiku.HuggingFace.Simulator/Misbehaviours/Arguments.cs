using System.Globalization;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>The arguments of a misbehaviour, checked when they are parsed; equal when they are written alike.</summary>
internal sealed record Arguments
{
    private readonly string _text;
    private readonly int _most;

    private Arguments(string text, int most) => (_text, _most) = (text, most);

    /// <summary>How many requests the script has had before this one.</summary>
    public int Played { get; init; }

    private string[] Values => Split(_text, _most);

    /// <exception cref="FormatException">Too many, or one of the wrong type.</exception>
    public static Arguments Parse(MisbehaviourKind kind, string text)
    {
        // A text at the end has its commas to itself.
        var most = kind.Parameters is [.., { Type: ParameterType.Text }] ? kind.Parameters.Count : int.MaxValue;
        var given = text.Length == 0 ? [] : Split(text, most);
        if (given.Length > kind.Parameters.Count)
        {
            throw new FormatException($"'{kind.Name}' takes {kind.Parameters.Count} arguments, not {given.Length}: {kind.Example}.");
        }

        var values = kind.Parameters.Select(
            (parameter, index) => Canonical(index < given.Length ? given[index] : parameter.Default, parameter.Type));
        return new Arguments(string.Join(',', values), most);
    }

    public int Number(int index) => ParseNumber(Values[index]);

    public TimeSpan Duration(int index) => Durations.Parse(Values[index]);

    public string Text(int index) => Values[index];

    public Misbehaviour Kind(int index) => Misbehaviour.Parse(Values[index]);

    public override string ToString() => _text;

    private static string Canonical(string value, ParameterType type) => type switch
    {
        ParameterType.Number => ParseNumber(value).ToString(CultureInfo.InvariantCulture),
        ParameterType.Duration => Durations.Format(Durations.Parse(value)),
        ParameterType.Kind => Misbehaviour.Parse(value).ToString(),
        _ => value,
    };

    private static int ParseNumber(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"'{value}' is not a whole number.");

    /// <summary>At commas, but not at those within parentheses: an argument may be a misbehaviour with arguments.</summary>
    private static string[] Split(string text, int most)
    {
        var parts = new List<string>();
        var (start, depth) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] switch { '(' => 1, ')' => -1, _ => 0 };
            if (text[i] == ',' && depth == 0 && parts.Count + 1 < most)
            {
                parts.Add(text[start..i].Trim());
                start = i + 1;
            }
        }

        return [.. parts, text[start..].Trim()];
    }
}
