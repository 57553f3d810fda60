using System.Text.Json;

namespace Lumiku.Gateway.InferenceRequests;

/// <summary>A checked request body, read once.</summary>
/// <param name="MediaType">Exactly <c>application/json</c>, or the type of the bytes.</param>
/// <param name="Json">The checked document, whose every string can be read; null where the body is bytes. Lives as long as the caller's request.</param>
/// <param name="Bytes">The body where it is no JSON, passed on as it is.</param>
/// <param name="Length">What the caller sent in bytes, decoded.</param>
internal sealed record InferenceRequest(string MediaType, JsonDocument? Json, ReadOnlyMemory<byte> Bytes, int Length);
