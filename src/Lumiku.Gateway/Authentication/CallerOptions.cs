using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Authentication;

/// <summary>Somebody who may call. Bound from <c>Callers:{name}</c>.</summary>
internal sealed class CallerOptions
{
    /// <summary>The key itself; belongs into the environment, not into a file.</summary>
    public Secret? Key { get; init; }

    /// <summary>The key's SHA-256 as 64 hex digits, for the file. Exactly one of this and <see cref="Key"/>.</summary>
    public string? KeySha256 { get; init; }

    /// <summary>Whether <c>X-Lumiku-User</c> and <c>X-Lumiku-Tier</c> are believed. False by default.</summary>
    public bool ActsForUsers { get; init; }

    /// <summary>The tier of the caller's own requests. Null: <c>DefaultTier</c>.</summary>
    public string? Tier { get; init; }

    /// <summary>How much the caller's own requests may use, in place of what their tier may; what is left out here is unlimited. Null: the tier's limits hold.</summary>
    public UsageLimits? Limits { get; init; }
}
