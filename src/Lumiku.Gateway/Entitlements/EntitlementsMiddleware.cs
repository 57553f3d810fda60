using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Entitlements;

/// <summary>Decides for which user and tier a known caller asks; 422 where the caller names a tier or user that cannot be.</summary>
internal sealed class EntitlementsMiddleware(RequestDelegate next, TiersInUse tiersInUse)
{
    /// <summary>Said by callers with <c>ActsForUsers</c>; ignored from all others.</summary>
    public const string UserHeader = "X-Lumiku-User";

    /// <inheritdoc cref="UserHeader"/>
    public const string TierHeader = "X-Lumiku-Tier";

    public Task InvokeAsync(HttpContext context)
    {
        var settings = context.GetSettings();
        var (caller, claims) = context.GetAuthenticatedCaller();
        if (caller == Caller.Operator)
        {
            return ServeAsync(context, new Identity(caller.Name, User: null, settings.Tiers.Operator, settings.Tiers.Operator.Limits), TierSource.Caller);
        }

        var (user, tierName) = caller.ActsForUsers
            ? (Joined(context, UserHeader), Joined(context, TierHeader))
            : (claims?.User, claims?.Tier);

        if (user is not null && !IsValidUser(user))
        {
            return GatewayProblem.InvalidUser(user.Length).ExecuteAsync(context);
        }

        if (settings.Tiers.Identify(caller, user, tierName) is not { } identity)
        {
            return GatewayProblem.UnknownTier(tierName ?? caller.Tier!, settings.Tiers.Names).ExecuteAsync(context);
        }

        tiersInUse.Note(identity.Tier);
        return ServeAsync(context, identity, TierSource.Of(user, tierName));
    }

    /// <param name="tierFrom">One of <see cref="TierSource"/>.</param>
    private Task ServeAsync(HttpContext context, Identity identity, string tierFrom)
    {
        var facts = context.GetRequestRecord().Facts;
        facts["Caller"] = identity.Caller;
        facts["Tier"] = identity.Tier.Name;
        facts["TierFrom"] = tierFrom;
        context.Features.Set(identity);
        return next(context);
    }

    /// <summary>A header's value; null where it is missing. Two values make one with a comma, which no user id or tier may hold.</summary>
    /// <remarks>An empty value is a value, and a wrong one: a backend that lost its user must not be served as itself, at its own tier.</remarks>
    private static string? Joined(HttpContext context, string header) =>
        context.Request.Headers.TryGetValue(header, out var values) ? values.ToString().Trim() : null;

    public static bool IsValidUser(string user) => user.Length is >= 1 and <= 128 && user.All(c => c is >= '!' and <= '~' and not ',');
}
