using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>An operator's look at one owner's limits, and correction, which the log tells.</summary>
internal sealed partial class OperatorLimits(ILimitStore store, ILogger<OperatorLimits> logger)
{
    public const int MostUnits = 1_000_000_000;

    /// <summary>Whether so many can be granted; a negative number takes units away.</summary>
    public static bool IsGrant(int units) => units != 0 && units is >= -MostUnits and <= MostUnits;

    /// <param name="known">The caller that it is; null: it is a user.</param>
    /// <returns>By the tier that was seen last, else the default one.</returns>
    public async Task<(Account Account, LimitUsage Usage)> FindAsync(GatewaySettings settings, string user, Caller? known)
    {
        var owner = known is null ? new Owner(IsUser: true, user) : new Owner(IsUser: false, known.Name);
        var account = new Account(owner, settings.Tiers.Default.Name, UsageLimits.None, settings.Quota);
        var lastTier = (await store.LookAsync(account)).LastTier ?? known?.Tier;
        // One that is not seen yet, or whose tier was removed since, would be served at the default one.
        var tier = (lastTier is null ? null : settings.Tiers.Find(lastTier)) ?? settings.Tiers.Default;
        account = account with { Tier = tier.Name, Limits = known?.Limits ?? tier.Limits, IsCallersOwn = known?.Limits is not null };
        return (account, await store.LookAsync(account));
    }

    /// <exception cref="RedisUnavailableException">Nothing was granted, as far as is known.</exception>
    public async Task<LimitUsage> GrantAsync(Account account, int units)
    {
        var usage = await store.GrantAsync(account, units);
        Log.Granted(logger, units, account.Owner.LogName, usage.Day.Granted, usage.Month.Granted);
        return usage;
    }

    /// <exception cref="RedisUnavailableException">Nothing was reset, as far as is known.</exception>
    public async Task<LimitUsage> ResetAsync(Account account)
    {
        var before = await store.LookAsync(account);
        var usage = await store.ResetAsync(account);
        Log.Reset(logger, account.Owner.LogName, before.Day.Spent, before.Day.Granted, before.Month.Spent, before.Month.Granted);
        return usage;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "An operator granted {Units} units to {Owner}; in all it has been granted {DayGranted} today and {MonthGranted} this month")]
        public static partial void Granted(ILogger logger, int units, string owner, long dayGranted, long monthGranted);

        [LoggerMessage(2, LogLevel.Information, "An operator reset the limits of {Owner}, which had used {DaySpent} units today (granted: {DayGranted}) and {MonthSpent} this month (granted: {MonthGranted})")]
        public static partial void Reset(ILogger logger, string owner, long daySpent, long dayGranted, long monthSpent, long monthGranted);
    }
}
