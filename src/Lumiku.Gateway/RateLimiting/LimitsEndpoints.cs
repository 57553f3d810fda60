using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.RateLimiting;

/// <summary><c>GET /limits</c> for callers; <c>/ops/limits</c> for the operator's look at one user, and correction.</summary>
internal sealed partial class LimitsEndpoints(ILimitStore store, ILogger<LimitsEndpoints> logger)
{
    private const int MostUnits = 1_000_000_000;

    private static readonly string[] Looking = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<LimitsEndpoints>();
        var callers = routes.CreateApplicationBuilder();
        callers.RequireCaller();
        callers.UseEntitlements();
        callers.Run(endpoints.ShowOwnAsync);
        routes.MapMethods("/limits", Looking, callers.Build());

        routes.Map("/ops/limits", OperatorAccess.ToLook(endpoints.ShowAsync));
        routes.Map("/ops/limits/grant", OperatorAccess.ToAct(endpoints.GrantAsync));
        routes.Map("/ops/limits/reset", OperatorAccess.ToAct(endpoints.ResetAsync));
    }

    private async Task ShowOwnAsync(HttpContext context)
    {
        var account = Account.Of(context);
        await WriteAsync(context, LimitsBody.Of(account, await store.LookAsync(account), isForOperator: false));
    }

    private async Task ShowAsync(HttpContext context)
    {
        if (await FindAsync(context) is var (account, usage))
        {
            await WriteAsync(context, LimitsBody.Of(account, usage, isForOperator: true));
        }
    }

    private async Task GrantAsync(HttpContext context)
    {
        if (await FindAsync(context) is not var (account, _))
        {
            return;
        }

        if (!int.TryParse(context.Request.Query["units"], out var units) || units == 0 || units is < -MostUnits or > MostUnits)
        {
            await GatewayProblem.ParameterRefused($"'units' is a whole number other than 0, from {-MostUnits} to {MostUnits}; a negative one takes units away.").ExecuteAsync(context);
            return;
        }

        if (await ChangeAsync(context, () => store.GrantAsync(account, units)) is not { } usage)
        {
            return;
        }

        Log.Granted(logger, units, account.Owner.LogName, usage.Day.Granted, usage.Month.Granted);
        await WriteAsync(context, LimitsBody.Of(account, usage, isForOperator: true));
    }

    private async Task ResetAsync(HttpContext context)
    {
        if (await FindAsync(context) is var (account, before) && await ChangeAsync(context, () => store.ResetAsync(account)) is { } usage)
        {
            Log.Reset(logger, account.Owner.LogName, before.Day.Spent, before.Day.Granted, before.Month.Spent, before.Month.Granted);
            await WriteAsync(context, LimitsBody.Of(account, usage, isForOperator: true));
        }
    }

    /// <summary>Whom <c>user</c> or <c>caller</c> of the query names, at the tier that was seen last, else the default one.</summary>
    /// <returns>Null where the answer has been given: nobody is named.</returns>
    private async Task<(Account Account, LimitUsage Usage)?> FindAsync(HttpContext context)
    {
        var (user, caller) = (context.Request.Query["user"].ToString(), context.Request.Query["caller"].ToString());
        var settings = context.GetSettings();
        if (user.Length > 0 == caller.Length > 0)
        {
            await GatewayProblem.ParameterRefused("Name one: 'user', or 'caller' for a caller's own requests.").ExecuteAsync(context);
            return null;
        }

        if (user.Length > 0 && !EntitlementsMiddleware.IsValidUser(user))
        {
            await GatewayProblem.InvalidUser(user.Length).ExecuteAsync(context);
            return null;
        }

        var known = user.Length > 0 ? null : settings.FindCaller(caller);
        if (user.Length == 0 && known is null)
        {
            await GatewayProblem.ParameterRefused($"There is no caller of this name ({caller.Length} characters).").ExecuteAsync(context);
            return null;
        }

        var owner = known is null ? new Owner(IsUser: true, user) : new Owner(IsUser: false, known.Name);
        var account = new Account(owner, settings.Tiers.Default.Name, UsageLimits.None, settings.Quota);
        var lastTier = (await store.LookAsync(account)).LastTier ?? known?.Tier;
        // One that is not seen yet, or whose tier was removed since, would be served at the default one.
        var tier = (lastTier is null ? null : settings.Tiers.Find(lastTier)) ?? settings.Tiers.Default;
        account = account with { Tier = tier.Name, Limits = known?.Limits ?? tier.Limits, IsCallersOwn = known?.Limits is not null };
        return (account, await store.LookAsync(account));
    }

    /// <returns>Null where the answer has been given: what all replicas count by is away.</returns>
    private static async Task<LimitUsage?> ChangeAsync(HttpContext context, Func<ValueTask<LimitUsage>> change)
    {
        try
        {
            return await change();
        }
        catch (RedisUnavailableException)
        {
            await GatewayProblem.CountsUnreachable().ExecuteAsync(context);
            return null;
        }
    }

    private static Task WriteAsync(HttpContext context, LimitsBody body)
    {
        context.Response.Headers.CacheControl = "no-store";
        return GatewayJson.WriteAsync(context, GatewayJson.Serialize(body));
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "An operator granted {Units} units to {Owner}; in all it has been granted {DayGranted} today and {MonthGranted} this month")]
        public static partial void Granted(ILogger logger, int units, string owner, long dayGranted, long monthGranted);

        [LoggerMessage(2, LogLevel.Information, "An operator reset the limits of {Owner}, which had used {DaySpent} units today (granted: {DayGranted}) and {MonthSpent} this month (granted: {MonthGranted})")]
        public static partial void Reset(ILogger logger, string owner, long daySpent, long dayGranted, long monthSpent, long monthGranted);
    }
}
