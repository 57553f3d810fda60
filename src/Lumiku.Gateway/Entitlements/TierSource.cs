namespace Lumiku.Gateway.Entitlements;

/// <summary>Where a request's tier came from, as the log says it: with other settings it may be another one.</summary>
internal static class TierSource
{
    /// <summary>The request, or its token, names it.</summary>
    public const string Request = "request";

    /// <summary>The caller asks for itself, at its own tier and by its own limits, if it has some.</summary>
    public const string Caller = "caller";

    /// <summary>A user is named and no tier: <c>DefaultTier</c>.</summary>
    public const string Default = "default";

    public static string Of(string? user, string? tierName) => tierName is not null ? Request : user is null ? Caller : Default;
}
