using System.Globalization;

namespace Lumiku.Gateway.Settings;

/// <summary>Compares a configuration with <see cref="SettingsSchema"/>: every name is one that there is, every value of its kind and within its range.</summary>
internal sealed class SettingsShape
{
    private readonly List<string> _mistakes = [];
    private readonly HashSet<string> _wrong = new(StringComparer.OrdinalIgnoreCase);

    private SettingsShape()
    {
    }

    /// <summary>Everything that is wrong by itself, each with its key.</summary>
    /// <param name="usable">The configuration without what is wrong, for finding more mistakes; null where a whole section is wrong, and nothing fits together.</param>
    public static IReadOnlyList<string> Check(IConfiguration configuration, out IConfiguration? usable)
    {
        var shape = new SettingsShape();
        foreach (var (name, schema) in SettingsSchema.Root.Properties)
        {
            shape.Check(configuration.GetSection(name), schema);
        }

        // In the file every stranger is refused; the environment is full of others' variables, so only what looks like ours is.
        var ours = SettingsSchema.Root.Properties.Keys;
        shape._mistakes.AddRange(
            from section in configuration.GetChildren()
            where section.GetChildren().Any() && SettingsSchema.Root.Member(section.Key) is null && NearestName.Of(section.Key, ours) is not null
            select Unknown(section.Path, ours));

        usable = shape._wrong.Any(path => !path.Contains(':', StringComparison.Ordinal)) ? null
            : shape._wrong.Count == 0 ? configuration
            : new ConfigurationBuilder().AddInMemoryCollection(configuration.AsEnumerable().Where(pair => !shape.IsWrong(pair.Key))).Build();
        return shape._mistakes;
    }

    /// <summary>A name that is none, with the nearest that is.</summary>
    public static string Unknown(string path, IEnumerable<string> known)
    {
        var name = path[(path.LastIndexOf(':') + 1)..];
        return NearestName.Of(name, known) is { } nearest
            ? $"'{Printable(path)}' is not a setting; did you mean '{nearest}'?"
            : $"'{Printable(path)}' is not a setting; there are {string.Join(", ", known)}.";
    }

    /// <summary>A value in a message: not endless, and without control characters.</summary>
    public static string Printable(string text) =>
        string.Create(Math.Min(text.Length, 120), text, (shown, whole) =>
        {
            for (var i = 0; i < shown.Length; i++)
            {
                shown[i] = char.IsControl(whole[i]) ? '?' : whole[i];
            }
        });

    private bool IsWrong(string path)
    {
        for (var end = path.Length; end > 0; end = path.LastIndexOf(':', end - 1))
        {
            if (_wrong.Contains(path[..end]))
            {
                return true;
            }
        }

        return false;
    }

    private void Check(IConfigurationSection section, SettingsSchema schema)
    {
        var members = section.GetChildren().ToList();
        if (schema.Kinds.Count == 0 || (section.Value is null && members.Count == 0))
        {
            return;
        }

        if (members.Count > 0 && section.Value is { Length: > 0 })
        {
            // One source says one thing, another the other.
            Refuse(section.Path, $"must be {Noun(schema)}, and is a single value");
        }
        else if (members.Count > 0 && schema.Kinds.Contains("object"))
        {
            CheckMembers(members, schema);
        }
        else if (members.Count > 0 && schema.Kinds.Contains("array"))
        {
            CheckItems(section, members, schema);
        }
        else if (members.Count > 0)
        {
            Refuse(section.Path, $"must be {Noun(schema)}, and has members");
        }
        else if (section.Value is { Length: > 0 } || !schema.Kinds.Any(kind => kind is "object" or "array"))
        {
            CheckValue(section, schema);
        }
    }

    private void CheckMembers(List<IConfigurationSection> members, SettingsSchema schema)
    {
        foreach (var member in members)
        {
            if (schema.Member(member.Key) is { } known)
            {
                Check(member, known);
            }
            else
            {
                _wrong.Add(member.Path);
                _mistakes.Add(Unknown(member.Path, schema.Properties.Keys));
            }
        }
    }

    private void CheckItems(IConfigurationSection section, List<IConfigurationSection> members, SettingsSchema schema)
    {
        if (members.Find(member => !member.Key.All(char.IsAsciiDigit)) is { } named)
        {
            Refuse(section.Path, $"must be a list, and has a member '{Printable(named.Key)}'");
            return;
        }

        members.ForEach(member => Check(member, schema.Items!));
    }

    private void CheckValue(IConfigurationSection section, SettingsSchema schema)
    {
        var value = section.Value!;
        var problem = schema.Kinds.FirstOrDefault(kind => kind != "null" && (kind != "object" || schema.Kinds.Count == 1)) switch
        {
            "object" => "must be an object, and is a single value",
            "array" => "must be a list, and is a single value",
            "boolean" when !bool.TryParse(value, out _) => $"must be true or false and is {Quoted(value, schema)}",
            "integer" or "number" => NumberProblem(value, schema),
            "string" => TextProblem(value, schema),
            _ => null,
        };
        if (problem is not null)
        {
            Refuse(section.Path, problem);
        }
    }

    private static string? NumberProblem(string value, SettingsSchema schema)
    {
        if (value.Length == 0)
        {
            return schema.Absent is null ? "is empty: write a number, or leave it out" : $"is empty: leave it out, or write null, for {schema.Absent}";
        }

        var styles = schema.Kinds.Contains("integer") ? NumberStyles.AllowLeadingSign : NumberStyles.Float;
        if (!decimal.TryParse(value, styles, CultureInfo.InvariantCulture, out var number))
        {
            return $"must be {Noun(schema)} and is {Quoted(value, schema)}";
        }

        return (schema.Minimum is { } least && number < least) || (schema.Maximum is { } most && number > most)
            ? string.Create(CultureInfo.InvariantCulture, $"must be {Range(schema.Minimum, schema.Maximum)}{(schema.Absent is null ? "" : $", or left out for {schema.Absent},")} and is {Quoted(value, schema, isNumber: true)}")
            : null;
    }

    private static string? TextProblem(string value, SettingsSchema schema)
    {
        if (schema.IsDuration)
        {
            return !schema.Pattern!.IsMatch(value) || !TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var span)
                ? $"must be a duration, [d.]hh:mm:ss such as 00:02:50, and is {Quoted(value, schema)}"
                : span < schema.Shortest || span > schema.Longest ? $"must be between {schema.Shortest} and {schema.Longest} and is {span}"
                : null;
        }

        if (schema.Words.Count > 0 && !schema.Words.Contains(value, StringComparer.OrdinalIgnoreCase))
        {
            return $"is {Quoted(value, schema)}; it must be {string.Join(", ", schema.Words.SkipLast(1))} or {schema.Words[^1]}"
                + (NearestName.Of(value, schema.Words) is { } nearest ? $". Did you mean {nearest}?" : "");
        }

        return schema.Pattern?.IsMatch(value) == false ? $"is {Quoted(value, schema)}, which does not fit: {schema.Description.TrimEnd('.')}" : null;
    }

    private static string Range(decimal? least, decimal? most) => least is null ? $"at most {most}" : most is null ? $"at least {least}" : $"between {least} and {most}";

    private static string Quoted(string value, SettingsSchema schema, bool isNumber = false) =>
        schema.IsSecret ? $"{value.Length} characters long" : isNumber ? Printable(value) : value.Length == 0 ? "empty" : $"'{Printable(value)}'";

    private static string Noun(SettingsSchema schema) => schema.Kinds.First(kind => kind != "null") switch
    {
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "object" => "an object",
        "array" => "a list",
        _ => schema.IsDuration ? "a duration" : "a text",
    };

    private void Refuse(string path, string rule)
    {
        _wrong.Add(path);
        _mistakes.Add($"'{Printable(path)}' {rule}{(rule.EndsWith('?') ? "" : ".")}");
    }
}
