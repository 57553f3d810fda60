namespace Lumiku.Gateway.Authentication;

/// <summary>Somebody who may call.</summary>
/// <param name="Tier">The tier of its own requests; null: the default one.</param>
/// <param name="Limits">How much its own requests may use; null: what their tier may.</param>
internal sealed record Caller(string Name, bool ActsForUsers, string? Tier, UsageLimits? Limits)
{
    /// <summary>Whoever bears a token.</summary>
    public static readonly Caller TokenBearer = new("jwt", ActsForUsers: false, Tier: null, Limits: null);
}

/// <summary>What a verified token says of its bearer; null where it says nothing.</summary>
internal sealed record TokenClaims(string? User, string? Tier);

/// <summary>Who holds the key or token of this request.</summary>
/// <param name="Claims">For a JWT; null for a caller's key.</param>
internal sealed record AuthenticatedCaller(Caller Caller, TokenClaims? Claims);
