using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lumiku.Gateway.Settings;

/// <summary>What one setting may be, as <c>appsettings.schema.json</c> says it to editors: its names, kinds, ranges and defaults stand there and nowhere else.</summary>
/// <remarks>
/// A JSON schema (draft 7) with what it has no words for: <c>x-duration</c> with <c>x-minimum</c> and <c>x-maximum</c>, <c>x-absent</c> (what it means
/// to leave it out) and <c>x-secret</c> (its value is never quoted).
/// </remarks>
internal sealed class SettingsSchema
{
    /// <summary>All settings.</summary>
    public static readonly SettingsSchema Root = Load();

    private SettingsSchema(JsonElement schema)
    {
        Kinds = schema.TryGetProperty("type", out var type) ? type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(Text)] : [Text(type)] : [];
        Properties = Get("properties") is { } properties
            ? properties.EnumerateObject().ToFrozenDictionary(property => property.Name, property => new SettingsSchema(property.Value), StringComparer.OrdinalIgnoreCase)
            : FrozenDictionary<string, SettingsSchema>.Empty;
        Others = Get("additionalProperties") is { ValueKind: JsonValueKind.Object } others ? new SettingsSchema(others) : null;
        Items = Get("items") is { } items ? new SettingsSchema(items) : null;
        Words = [.. (Get("enum") ?? Get("anyOf")?.EnumerateArray().First().GetProperty("enum"))?.EnumerateArray().Select(Text) ?? []];
        Pattern = Get("pattern") is { } pattern ? new Regex(Text(pattern)) : null;
        IsDuration = Get("x-duration") is not null;
        (Minimum, Maximum) = (Get("minimum")?.GetDecimal(), Get("maximum")?.GetDecimal());
        (Shortest, Longest) = (Duration("x-minimum"), Duration("x-maximum"));
        Absent = Get("x-absent") is { } absent ? Text(absent) : null;
        IsSecret = Get("x-secret") is not null;
        Default = Get("default");
        Description = Get("description") is { } description ? Text(description) : "";

        JsonElement? Get(string name) => schema.TryGetProperty(name, out var value) ? value : null;

        TimeSpan? Duration(string name) => Get(name) is { } span ? TimeSpan.Parse(Text(span), CultureInfo.InvariantCulture) : null;
    }

    /// <summary><c>object</c>, <c>array</c>, <c>string</c>, <c>integer</c>, <c>number</c>, <c>boolean</c>, <c>null</c>; none: whatever it is.</summary>
    public IReadOnlyList<string> Kinds { get; }

    public FrozenDictionary<string, SettingsSchema> Properties { get; }

    /// <summary>What an object has under names of the operator's own; null: it has none.</summary>
    public SettingsSchema? Others { get; }

    public SettingsSchema? Items { get; }

    /// <summary>The only values; empty: any.</summary>
    public IReadOnlyList<string> Words { get; }

    public Regex? Pattern { get; }

    public bool IsDuration { get; }

    public decimal? Minimum { get; }

    public decimal? Maximum { get; }

    public TimeSpan? Shortest { get; }

    public TimeSpan? Longest { get; }

    /// <summary>What leaving it out means, where that is a choice; else null.</summary>
    public string? Absent { get; }

    public bool IsSecret { get; }

    public JsonElement? Default { get; }

    public string Description { get; }

    /// <summary>The setting at a path as configuration writes it; null where there is none.</summary>
    public static SettingsSchema? Find(string path) => path.Split(':').Aggregate((SettingsSchema?)Root, (schema, name) => schema?.Member(name));

    /// <summary>What is under a name, or at a place of a list.</summary>
    public SettingsSchema? Member(string name) => Properties.GetValueOrDefault(name) ?? Others ?? Items;

    private static string Text(JsonElement element) => element.GetString()!;

    private static SettingsSchema Load()
    {
        using var stream = typeof(SettingsSchema).Assembly.GetManifestResourceStream("appsettings.schema.json")!;
        using var document = JsonDocument.Parse(stream);
        return new SettingsSchema(document.RootElement.Clone());
    }
}
