namespace Lumiku.Gateway.InferenceRequests;

/// <summary>Marks a request whose body came compressed.</summary>
internal sealed record DecodedBody;
