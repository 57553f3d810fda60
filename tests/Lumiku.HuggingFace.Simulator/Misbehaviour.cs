using System.Globalization;

using Lumiku.HuggingFace.Simulator.Misbehaviours;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>One way not to answer as one should: a kind and its arguments. Written <c>kind</c> or <c>kind(a,b)</c>.</summary>
public sealed partial record Misbehaviour
{
    private readonly MisbehaviourKind _kind;
    private readonly Arguments _arguments;

    internal Misbehaviour(MisbehaviourKind kind, Arguments arguments)
    {
        _kind = kind;
        _arguments = arguments;
    }

    /// <summary>Every kind there is, in the order of the table in README.md.</summary>
    public static IReadOnlyList<MisbehaviourKind> Kinds => KindCatalogue.All;

    /// <summary>Of the kind, in kebab-case.</summary>
    public string Name => _kind.Name;

    /// <summary>Arguments left out take the values of the kind's example.</summary>
    /// <exception cref="FormatException">No such kind, or wrong arguments; the message is one line.</exception>
    public static Misbehaviour Parse(string text)
    {
        var trimmed = text.Trim();
        var open = trimmed.IndexOf('(', StringComparison.Ordinal);
        if (open >= 0 && !trimmed.EndsWith(')'))
        {
            throw new FormatException($"'{text}' lacks its closing parenthesis.");
        }

        var kind = KindCatalogue.Find(open < 0 ? trimmed : trimmed[..open]);
        return new Misbehaviour(kind, Arguments.Parse(kind, open < 0 ? "" : trimmed[(open + 1)..^1]));
    }

    /// <summary>What <see cref="Parse"/> reads.</summary>
    public override string ToString() => _kind.Parameters.Count == 0 ? Name : $"{Name}({_arguments})";

    internal Task PlayAsync(Exchange exchange, int played) => _kind.Play(exchange, _arguments with { Played = played });

    private static Misbehaviour Of(string name, params object[] arguments) =>
        Parse($"{name}({string.Join(',', arguments.Select(Format))})");

    private static string Format(object argument) => argument switch
    {
        TimeSpan duration => Durations.Format(duration),
        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
        _ => argument.ToString() ?? "",
    };
}
