using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lumiku.Gateway.Commands.Discovery;

namespace Lumiku.Gateway.Commands;

/// <summary>What commands print with <c>--json</c>. Every name is always there, null where it does not apply.</summary>
[JsonSerializable(typeof(CreatedKey))]
[JsonSerializable(typeof(CheckReport))]
[JsonSerializable(typeof(RehearsedCheck))]
[JsonSerializable(typeof(IReadOnlyList<ProbeRow>))]
[JsonSerializable(typeof(IReadOnlyList<DiscoveredModel>))]
internal sealed partial class CommandJson : JsonSerializerContext
{
    private static readonly CommandJson Readable = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        // For eyes in a terminal: an apostrophe stays one. It is never HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static string Serialize<T>(T value) => JsonSerializer.Serialize(value, typeof(T), Readable);
}
