using System.Globalization;
using System.Text;
using Lumiku.Gateway.Settings;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lumiku.Gateway.Authentication;

/// <summary>Tokens that the SaaS signs for its users: HS256 with <c>JWT_SECRET</c>, an expiry, and who they are for.</summary>
internal sealed class JsonWebTokens(TimeProvider time)
{
    /// <summary>What clocks of two servers may differ by.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    /// <summary>The library refuses shorter keys.</summary>
    private const int KeyBytes = 32;

    private readonly JsonWebTokenHandler _handler = new();

    /// <summary>Refuses a secret that HS256 cannot be used with (RFC 7518 section 3.2 asks for 32 bytes; fewer than 16 can be guessed).</summary>
    public static void CheckSecret(Secret? secret, SettingsReader read)
    {
        if (secret is not null && Encoding.UTF8.GetByteCount(secret.Reveal()) < 16)
        {
            read.Refuse(ShortVariables.JwtSecret, $"has {Encoding.UTF8.GetByteCount(secret.Reveal())} bytes; HS256 needs at least 16, and 32 to be safe");
        }
    }

    /// <summary>A quick look, so that a caller's wrong key is not taken for a token.</summary>
    public static bool LooksLikeOne(string token) => token.AsSpan().Count('.') == 2 && token.StartsWith("ey", StringComparison.Ordinal);

    /// <returns>Null where the token is not signed with the secret, by another algorithm, expired, without expiry, or names no user.</returns>
    public async Task<TokenClaims?> ValidateAsync(string token, Secret secret)
    {
        var result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            IssuerSigningKey = new SymmetricSecurityKey(KeyOf(secret)),
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            LifetimeValidator = IsAlive,
            ValidateIssuer = false,
            ValidateAudience = false,
        });
        // An extension that the signer calls critical must be understood or refused (RFC 7515 section 4.1.11); we know none.
        if (!result.IsValid || ((JsonWebToken)result.SecurityToken).TryGetHeaderValue<object>("crit", out _))
        {
            return null;
        }

        var user = Text(result, "sub") ?? Text(result, "userId");
        return user is null ? null : new TokenClaims(user, Text(result, "tier") ?? Text(result, "subscriptionTier"));
    }

    /// <summary>A short one is filled up with zeros, as HMAC itself does (RFC 2104 section 2): what is signed with either is the same.</summary>
    private static byte[] KeyOf(Secret secret)
    {
        var key = Encoding.UTF8.GetBytes(secret.Reveal());
        if (key.Length < KeyBytes)
        {
            Array.Resize(ref key, KeyBytes);
        }

        return key;
    }

    private bool IsAlive(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires is { } end && end > now - ClockSkew && (notBefore is not { } start || start < now + ClockSkew);
    }

    /// <summary>A claim as text. User ids are often numbers; an object or an empty text is none.</summary>
    private static string? Text(TokenValidationResult result, string name) => !result.Claims.TryGetValue(name, out var claim) ? null : claim switch
    {
        string { Length: > 0 } text => text,
        int or long => Convert.ToString(claim, CultureInfo.InvariantCulture),
        _ => null,
    };
}
