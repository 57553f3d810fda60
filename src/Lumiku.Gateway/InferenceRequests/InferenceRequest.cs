using System.Runtime.InteropServices;
using System.Text.Json;

namespace Lumiku.Gateway.InferenceRequests;

/// <summary>A checked request body, read once.</summary>
/// <param name="mediaType">Exactly <c>application/json</c>, or the type of the bytes.</param>
/// <param name="json">The checked document, whose every string can be read; null where the body is bytes.</param>
/// <param name="body">What was read; given back when this is disposed, and <paramref name="json"/> with it.</param>
internal sealed class InferenceRequest(string mediaType, JsonDocument? json, BodyBuffer body) : IDisposable
{
    public string MediaType => mediaType;

    public JsonDocument? Json => json;

    /// <summary>The body as the caller sent it.</summary>
    public ReadOnlyMemory<byte> Bytes => body.Memory;

    /// <summary>Whether a seed decides which image it is; where it is missing or null, each request may mean a new one.</summary>
    public bool HasSeed => json is not null && (HasMember("parameters") || HasMember("inputs"));

    /// <summary>The length of the prompt, as the caller escaped it; null where <c>inputs</c> is no text.</summary>
    public int? PromptBytes => json?.RootElement.GetProperty("inputs") is { ValueKind: JsonValueKind.String } prompt ? JsonMarshal.GetRawUtf8Value(prompt).Length - 2 : null;

    /// <summary>Gives the memory back; the upstream request has copies of its own. A second time does nothing.</summary>
    public void Dispose()
    {
        json?.Dispose();
        body.Dispose();
    }

    /// <summary>Takes over the room that the upstream request's body has in the memory for bodies.</summary>
    /// <param name="bytes">What that body, and those of fallbacks, really take: one may grow when it is written.</param>
    /// <returns>To be disposed when that body is needed no longer; null the second time.</returns>
    public IDisposable? TakeUpstreamRoom(long bytes) => body.TakeSecondHalf(bytes);

    /// <summary>Members of an object in <c>inputs</c> are parameters for upstream too.</summary>
    private bool HasMember(string of) => json!.RootElement.TryGetProperty(of, out var parameters)
        && parameters.ValueKind == JsonValueKind.Object
        && parameters.TryGetProperty("seed", out var seed)
        && seed.ValueKind != JsonValueKind.Null;
}
