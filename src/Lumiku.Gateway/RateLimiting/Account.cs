using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Whose use is counted, and against which limits.</summary>
/// <param name="Tier">By which it is served; remembered for operators, who are told only a user.</param>
/// <param name="IsCallersOwn">The limits are <c>Callers:{name}:Limits</c> and not the tier's.</param>
internal sealed record Account(Owner Owner, string Tier, UsageLimits Limits, QuotaCalendar Calendar, bool IsCallersOwn = false)
{
    public static Account Of(HttpContext context)
    {
        var identity = context.GetIdentity();
        return new Account(identity.Owner, identity.Tier.Name, identity.Limits, context.GetSettings().Quota, !ReferenceEquals(identity.Limits, identity.Tier.Limits));
    }
}

internal static class AccountFeature
{
    /// <summary>Whose use the request is; settled where it was admitted.</summary>
    public static Account GetAccount(this HttpContext context) => context.Features.GetRequiredFeature<Account>();
}
