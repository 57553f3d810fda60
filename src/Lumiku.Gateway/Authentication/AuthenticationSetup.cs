using Microsoft.AspNetCore.Authentication;

namespace Lumiku.Gateway.Authentication;

internal static class AuthenticationSetup
{
    public static IServiceCollection AddCallerAuthentication(this IServiceCollection services)
    {
        services.AddSingleton<JsonWebTokens>();
        services.AddSingleton<FailedLogins>();
        services.AddAuthentication(CallerAuthenticationHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, CallerAuthenticationHandler>(CallerAuthenticationHandler.SchemeName, configureOptions: null);
        return services;
    }

    /// <summary>Ends the request with 401 unless a known caller asks.</summary>
    public static IApplicationBuilder RequireCaller(this IApplicationBuilder app) => app.Use((context, next) =>
        context.Features.Get<AuthenticatedCaller>() is null ? context.ChallengeAsync() : next(context));

    public static AuthenticatedCaller GetAuthenticatedCaller(this HttpContext context) => context.Features.GetRequiredFeature<AuthenticatedCaller>();
}
