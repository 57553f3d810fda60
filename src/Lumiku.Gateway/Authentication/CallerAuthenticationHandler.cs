using System.Runtime.CompilerServices;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Lumiku.Gateway.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace Lumiku.Gateway.Authentication;

/// <summary>Finds out who calls: by a caller's key or a JWT in <c>Authorization: Bearer</c>.</summary>
internal sealed class CallerAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, JsonWebTokens tokens, FailedLogins failedLogins)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Bearer";

    /// <summary>A caller's requests are all told the same, which nobody changes.</summary>
    private static readonly ConditionalWeakTable<Caller, AuthenticateResult> Successes = [];

    /// <summary>Set where a wrong key came in after too many others from its address.</summary>
    private TimeSpan? _blockedFor;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (BearerToken() is not { } token)
        {
            return AuthenticateResult.NoResult();
        }

        var settings = Context.GetSettings();
        if (settings.Callers.Find(token) is { } caller)
        {
            return Success(new AuthenticatedCaller(caller, Claims: null));
        }

        if (settings.JwtSecret is { } secret && JsonWebTokens.LooksLikeOne(token) && await tokens.ValidateAsync(token, secret) is { } claims)
        {
            return Success(new AuthenticatedCaller(Caller.TokenBearer, claims));
        }

        // The operator is no caller, unless to see whether a model serves; but its key is no wrong one either.
        if (OperatorAccess.IsKey(settings, token))
        {
            return IsProbe() ? Success(new AuthenticatedCaller(Caller.Operator, Claims: null)) : AuthenticateResult.NoResult();
        }

        _blockedFor = failedLogins.Count(Context.Connection.RemoteIpAddress);
        return AuthenticateResult.Fail("Nobody has this key.");
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) =>
        (_blockedFor is { } delay ? GatewayProblem.TooManyFailedLogins(delay) : GatewayProblem.Unauthenticated()).ExecuteAsync(Context);

    /// <summary>A route closed to callers does not exist for them.</summary>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => GatewayProblem.UnknownRoute(Request.Path).ExecuteAsync(Context);

    private AuthenticateResult Success(AuthenticatedCaller caller)
    {
        Context.Features.Set(caller);
        return Successes.GetValue(caller.Caller, static known =>
            AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, known.Name)], SchemeName)), SchemeName)));
    }

    private bool IsProbe() =>
        HttpMethods.IsPost(Request.Method) && Context.Features.Get<ModelPath>() is not null && Request.Headers[OperatorAccess.ProbeHeader] is [OperatorAccess.ProbeValue];

    private string? BearerToken()
    {
        const string Prefix = "Bearer ";
        return Request.Headers.Authorization is [{ } value] && value.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            && value[Prefix.Length..].Trim() is { Length: > 0 } token ? token : null;
    }
}
