namespace Lumiku.Gateway.Entitlements;

/// <summary>For whom a request is served.</summary>
/// <param name="Caller">The caller's name in the settings; <c>jwt</c> for a token's bearer.</param>
/// <param name="User">The end user's opaque id, where one is named. Never logged as it is.</param>
/// <param name="Tier">Whose rules hold.</param>
internal sealed record Identity(string Caller, string? User, Tier Tier)
{
    /// <summary>Whom limits and kept images belong to: the user where one is named, else the caller. A user can never be taken for a caller.</summary>
    public string Owner => User is null ? $"caller {Caller}" : $"user {User}";
}
