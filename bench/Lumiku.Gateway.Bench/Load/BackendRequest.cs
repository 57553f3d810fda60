namespace Lumiku.Gateway.Bench.Load;

/// <summary>What every server is asked, by wrk or by us: a generation as the backend sends it, for one of its users.</summary>
internal static class BackendRequest
{
    public const string GatewayKey = "bench-key-0123456789abcdef";
    public const string Path = "models/black-forest-labs/FLUX.1-dev";
    public const string ContentType = "application/json";

    /// <summary>A real one is 300 to 500 bytes. SEED is where the seed goes.</summary>
    public const string Body =
        """{"inputs":"a lighthouse at dusk, oil on canvas, heavy brush strokes, warm light from the lantern room, waves breaking on dark rocks, gulls against a violet sky, a small boat far out, highly detailed, wide view","parameters":{"width":1024,"height":1024,"num_inference_steps":28,"guidance_scale":3.5,"seed":SEED}}""";

    /// <summary>All but the content type, which <see cref="HttpClient"/> keeps elsewhere.</summary>
    public static readonly IReadOnlyDictionary<string, string> Headers = new Dictionary<string, string>
    {
        ["Authorization"] = $"Bearer {GatewayKey}",
        ["Accept"] = "application/json, text/plain, */*",
        ["User-Agent"] = "axios/1.12.2",
        ["X-Lumiku-User"] = "user-1",
        ["X-Lumiku-Tier"] = "pro",
    };

    /// <summary>A seed that nobody has used: the microseconds since 1970.</summary>
    /// <remarks>A run counts on from it; under a million requests a second it never reaches the seed of a later one.</remarks>
    public static long NewSeed() => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
}
