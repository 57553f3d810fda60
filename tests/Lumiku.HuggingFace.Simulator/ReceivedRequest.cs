using System.Text.Json;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>One request as it came over the wire.</summary>
/// <param name="Method">As sent, in its letter case.</param>
/// <param name="Path">The request target as sent: query string included, escapes untouched.</param>
/// <param name="Headers">Names are compared without regard to case.</param>
/// <param name="Body">Empty when there was none.</param>
public sealed record ReceivedRequest(
    string Method, string Path, IReadOnlyDictionary<string, string[]> Headers, byte[] Body)
{
    private static readonly JsonElement EmptyObject = JsonElement.Parse("{}");

    private readonly Lazy<JsonElement> _json = new(() => Parse(Body));

    private volatile bool _aborted;

    /// <summary>When the last byte of the request was in, by the options' clock.</summary>
    public DateTimeOffset ArrivedAt { get; internal init; }

    /// <summary>What is wanted: scripts are for <see cref="CallKind.Inference"/> only.</summary>
    public CallKind Call { get; internal init; } = ModelPath.Parse(Path) is null ? CallKind.Nothing : CallKind.Inference;

    /// <summary>As the router's paths name it, of a download or poll the one that was asked for the picture; empty when the path is no provider's.</summary>
    public string Provider { get; internal init; } = ModelPath.Parse(Path) is null ? "" : ModelPath.HfInference;

    /// <summary>What the provider calls the model; empty when the path is not a model's.</summary>
    public string ProviderModel { get; internal init; } = ModelPath.Parse(Path)?.Model ?? "";

    /// <summary>The model by the Hub's id where that is known, or by the provider's; empty when the path is not a model's.</summary>
    public string Model { get; internal init; } = ModelPath.Parse(Path)?.Model ?? "";

    /// <summary>The caller left before the answer was out.</summary>
    public bool Aborted
    {
        get => _aborted;
        internal set => _aborted = value;
    }

    /// <summary>The body; of kind Undefined when it is not JSON.</summary>
    public JsonElement Json => _json.Value;

    /// <summary>The body's <c>parameters</c> or, at other providers than hf-inference, the object that has them beside the prompt; an empty object when there are none.</summary>
    public JsonElement Parameters => (Input ?? Json.Member("parameters")) is { ValueKind: JsonValueKind.Object } parameters ? parameters : EmptyObject;

    /// <summary>The text that asks for the picture: <c>inputs</c>, <c>inputs.prompt</c> or, with a picture as inputs, <c>parameters.prompt</c>; elsewhere <c>prompt</c> or <c>input.prompt</c>.</summary>
    public string? Prompt
    {
        get
        {
            var inputs = Json.Member("inputs");
            return Parameters.Member("prompt").Text() ?? inputs.Text() ?? inputs.Member("prompt").Text();
        }
    }

    /// <summary>Where another provider than hf-inference looks for prompt and parameters; null at hf-inference.</summary>
    internal JsonElement? Input { get; init; }

    /// <summary>The values joined with a comma, or null when the header was not sent.</summary>
    public string? Header(string name) =>
        Headers.TryGetValue(name, out var values) ? string.Join(", ", values) : null;

    private static JsonElement Parse(byte[] body)
    {
        try
        {
            return JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
