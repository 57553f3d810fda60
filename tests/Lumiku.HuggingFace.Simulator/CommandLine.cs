using System.Globalization;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>The flags of the program.</summary>
internal sealed class CommandLine
{
    private const string Usage =
        "use --port N, --image-bytes N, --delay 2s, --mapping-by-name, --behave \"MODEL=kind(args)\" (repeatable), --kinds";

    private readonly List<(string Model, Misbehaviour Behaviour)> _behaviours = [];

    private CommandLine()
    {
    }

    public SimulatorOptions Options { get; } = new();

    public IReadOnlyList<(string Model, Misbehaviour Behaviour)> Behaviours => _behaviours;

    /// <summary>Print the table of kinds and leave.</summary>
    public bool ListsKinds { get; private set; }

    /// <exception cref="FormatException">A flag is unknown or its value is wrong; the message is one line.</exception>
    public static CommandLine Parse(string[] arguments)
    {
        var parsed = new CommandLine();
        var rest = new Queue<string>(arguments);
        while (rest.TryDequeue(out var flag))
        {
            parsed.Take(flag, rest);
        }

        return parsed;
    }

    private void Take(string flag, Queue<string> rest)
    {
        switch (flag)
        {
            case "--kinds":
                ListsKinds = true;
                break;
            case "--port":
                Options.Port = Number(flag, ValueOf(flag, rest), most: 65_535);
                break;
            case "--image-bytes":
                Options.ImageBytes = Number(flag, ValueOf(flag, rest), SimulatorOptions.MostImageBytes);
                break;
            case "--delay":
                Options.Delay = Durations.Parse(ValueOf(flag, rest));
                break;
            case "--mapping-by-name":
                Options.MapsProvidersByName = true;
                break;
            case "--behave":
                _behaviours.Add(Behaviour(ValueOf(flag, rest)));
                break;
            default:
                throw new FormatException($"Unknown flag '{flag}': {Usage}.");
        }
    }

    private static string ValueOf(string flag, Queue<string> rest) =>
        rest.TryDequeue(out var value) ? value : throw new FormatException($"{flag} needs a value: {Usage}.");

    private static int Number(string flag, string value, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number
            : throw new FormatException($"{flag} must be a number from 0 to {most}, not '{value}'.");

    private static (string Model, Misbehaviour Behaviour) Behaviour(string value)
    {
        var split = value.IndexOf('=', StringComparison.Ordinal);
        return split > 0
            ? (value[..split], Misbehaviour.Parse(value[(split + 1)..]))
            : throw new FormatException($"--behave must be MODEL=kind(args), not '{value}'.");
    }
}
