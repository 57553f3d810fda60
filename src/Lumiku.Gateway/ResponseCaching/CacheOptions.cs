
namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Bound from <c>Cache</c>.</summary>
internal sealed class CacheOptions
{
    /// <summary>Who shares images: everybody, or only the requests of one user (of one caller where no user is named).</summary>
    public CacheScope Scope { get; init; } = CacheScope.Shared;

    /// <summary>Whether a request without a seed may be answered with an image made for another.</summary>
    public UnseededRequests Unseeded { get; init; } = UnseededRequests.Reuse;

    /// <summary>Memory for images, in bytes. 0 keeps none; up to 64 GiB; default 256 MB.</summary>
    public long MemoryBytes { get; init; } = 256_000_000;
}

internal enum CacheScope
{
    Shared,
    User,
}

internal enum UnseededRequests
{
    /// <summary>Equal requests get the same image, seeded or not.</summary>
    Reuse,

    /// <summary>Without a seed each request means a new image: it shares only a running generation, and a kept image is handed only to whoever asked for it and never received it.</summary>
    RetryOnly,
}
