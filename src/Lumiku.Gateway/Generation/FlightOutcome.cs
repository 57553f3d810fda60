using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lumiku.Gateway.Generation;

/// <summary>How a generation ended, for replicas that followed it. What upstream said is left out: it may quote a prompt, and none is to be in Redis.</summary>
/// <param name="Model">The id of the model that made the image, or failed last.</param>
/// <param name="IsStored">The image is kept for everybody under its own key; else for a minute for those who followed.</param>
/// <param name="Failure">Null: there is an image.</param>
internal sealed record FlightOutcome(string Model, bool IsStored, UpstreamFailure? Failure)
{
    public static FlightOutcome Of(GenerationResult result, bool isStored) =>
        new(result.Model, isStored, result.Failure is null ? null : result.Failure with { Message = null });

    public string Write() => JsonSerializer.Serialize(this, FlightOutcomeJson.Default.FlightOutcome);

    /// <returns>Null where it is none of ours.</returns>
    public static FlightOutcome? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, FlightOutcomeJson.Default.FlightOutcome) is { Model: not null } outcome ? outcome : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Enumerations by name: two releases side by side may number them differently.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(FlightOutcome))]
internal sealed partial class FlightOutcomeJson : JsonSerializerContext;
