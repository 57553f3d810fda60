
namespace Lumiku.Gateway.InferenceRequests;

/// <summary>Bound from <c>Limits</c>.</summary>
internal sealed class LimitsOptions
{
    /// <summary>The largest request body in bytes, decoded. 1 kB to 256 MB; default 64 MB: four photos of 10 MB in base64 and some room.</summary>
    public int RequestBodyBytes { get; init; } = 64_000_000;

    /// <summary>
    /// The memory that all request bodies under way may take together, in bytes; each counts twice, as it is read and as it goes upstream.
    /// At least twice <see cref="RequestBodyBytes"/>, up to 64 GiB; default 256 MB. Beyond it a request waits 5 s, then gets 429.
    /// </summary>
    public long BufferedBytes { get; init; } = 256_000_000;

    /// <summary>The largest upstream answer in bytes. 1 kB to 256 MiB; default 32 MiB.</summary>
    public int ImageBytes { get; init; } = 33_554_432;

    /// <summary>Wrong keys from one address in a minute before 429. 1 to 100,000; default 30.</summary>
    public int FailedLoginsPerMinute { get; init; } = 30;
}
