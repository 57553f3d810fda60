namespace Lumiku.Gateway.Entitlements;

/// <summary>For whom a request is served.</summary>
/// <param name="Caller">The caller's name in the settings; <c>jwt</c> for a token's bearer.</param>
/// <param name="User">The end user's opaque id, where one is named. Never logged as it is.</param>
/// <param name="Tier">Whose rules hold.</param>
/// <param name="Limits">How much may be used: the tier's, or the caller's own for its own requests.</param>
internal sealed record Identity(string Caller, string? User, Tier Tier, UsageLimits Limits)
{
    public Owner Owner => User is null ? new Owner(IsUser: false, Caller) : new Owner(IsUser: true, User);
}
