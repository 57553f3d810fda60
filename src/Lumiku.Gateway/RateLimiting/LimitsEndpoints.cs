using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.RateLimiting;

/// <summary><c>GET /limits</c> for callers; <c>/ops/limits</c> for the operator's look at one user, and correction.</summary>
internal sealed class LimitsEndpoints(ILimitStore store, OperatorLimits limits)
{
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

        if (!int.TryParse(context.Request.Query["units"], out var units) || !OperatorLimits.IsGrant(units))
        {
            await GatewayProblem.ParameterRefused($"'units' is a whole number other than 0, from {-OperatorLimits.MostUnits} to {OperatorLimits.MostUnits}; a negative one takes units away.").ExecuteAsync(context);
            return;
        }

        if (await ChangeAsync(context, () => limits.GrantAsync(account, units)) is { } usage)
        {
            await WriteAsync(context, LimitsBody.Of(account, usage, isForOperator: true));
        }
    }

    private async Task ResetAsync(HttpContext context)
    {
        if (await FindAsync(context) is var (account, _) && await ChangeAsync(context, () => limits.ResetAsync(account)) is { } usage)
        {
            await WriteAsync(context, LimitsBody.Of(account, usage, isForOperator: true));
        }
    }

    /// <summary>Whom <c>user</c> or <c>caller</c> of the query names.</summary>
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

        return await limits.FindAsync(settings, user, known);
    }

    /// <returns>Null where the answer has been given: what all replicas count by is away.</returns>
    private static async Task<LimitUsage?> ChangeAsync(HttpContext context, Func<Task<LimitUsage>> change)
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
}
