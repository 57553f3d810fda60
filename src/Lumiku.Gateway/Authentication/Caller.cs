namespace Lumiku.Gateway.Authentication;

/// <summary>Somebody who may call.</summary>
/// <param name="Tier">The tier of its own requests; null: the default one.</param>
/// <param name="Limits">How much its own requests may use; null: what their tier may.</param>
internal sealed record Caller(string Name, bool ActsForUsers, string? Tier, UsageLimits? Limits)
{
    /// <summary>Whoever bears a token.</summary>
    public static readonly Caller TokenBearer = new("jwt", ActsForUsers: false, Tier: null, Limits: null);

    /// <summary>The operator, who has images made to see whether models serve (<c>probe</c>): with every entitlement and no limits.</summary>
    /// <remarks>
    /// What these images cost is entered under this name like anybody's, and counts against nothing. No caller of the settings can be called
    /// so, as ':' separates keys there: one that is named <c>operator</c> is another.
    /// </remarks>
    public static readonly Caller Operator = new("operator:probe", ActsForUsers: false, Tier: null, UsageLimits.None);
}

/// <summary>What a verified token says of its bearer; null where it says nothing.</summary>
internal sealed record TokenClaims(string? User, string? Tier);

/// <summary>Who holds the key or token of this request.</summary>
/// <param name="Claims">For a JWT; null for a caller's key.</param>
internal sealed record AuthenticatedCaller(Caller Caller, TokenClaims? Claims);
