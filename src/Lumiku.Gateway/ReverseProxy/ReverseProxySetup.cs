using System.Net;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.InferenceRequests;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>YARP, as configuration describes it, behind a guard.</summary>
internal static class ReverseProxySetup
{
    /// <summary>As a route's AuthorizationPolicy: no caller gets there.</summary>
    public const string ClosedPolicy = "Closed";

    public static IServiceCollection AddGatewayReverseProxy(this IServiceCollection services, IConfiguration configuration)
    {
        // "Closed" as a route's AuthorizationPolicy: for generations only, no caller gets there.
        services.AddAuthorization(options => options.AddPolicy(ClosedPolicy, policy => policy.RequireAssertion(_ => false)));
        services.AddRateLimiter(RouteLimits.Configure);
        services.AddSingleton<RouteChanges>().AddSingleton<IConfigChangeListener>(provider => provider.GetRequiredService<RouteChanges>());
        services.AddSingleton<IPassiveHealthCheckPolicy, RestingTokens>();
        services.AddReverseProxy()
            .LoadFromConfig(configuration.GetSection("ReverseProxy"))
            .AddConfigFilter<RouteLimits>()
            .AddTransformFactory<UpstreamCredentialTransform>()
            .AddTransformFactory<ImageAcceptTransform>()
            .AddTransforms<HeaderAllowLists>()
            .ConfigureHttpClient((_, handler) =>
            {
                // Addresses behind the upstream's name change; a connection for ever would never notice.
                handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5);
                // Below the minute after which upstream's balancers drop idle connections: a request sent into a dying connection must
                // not be repeated, as the model may have run.
                handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(45);
                // Decompressing would announce itself in an Accept-Encoding of its own; images do not shrink, so none is asked for.
                handler.AutomaticDecompression = DecompressionMethods.None;
                // A redirect could carry the token to another host.
                handler.AllowAutoRedirect = false;
                handler.ActivityHeadersPropagator = new TraceContextPropagator();
                handler.ConnectTimeout = TimeSpan.FromSeconds(10);
            });

        return services;
    }

    public static void MapGatewayReverseProxy(this IEndpointRouteBuilder routes)
    {
        routes.MapReverseProxy(proxy =>
        {
            proxy.Use(RefuseStrangers);
            proxy.Use(PassOverTried);
            proxy.UseSessionAffinity();
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        }).ConfigureEndpoints((endpoint, route) =>
        {
            if (ImageAcceptTransform.MediaTypeOf(route) is { } mediaType)
            {
                endpoint.WithMetadata(new ImageAccept(mediaType));
            }
        });
    }

    /// <summary>To callers, with a key or without, a closed route is as if it were not there.</summary>
    public static IApplicationBuilder UseClosedRoutes(this IApplicationBuilder app) => app.Use((context, next) =>
        context.IsProxied() && string.Equals(context.GetEndpoint()!.Metadata.GetMetadata<IAuthorizeData>()?.Policy, ClosedPolicy, StringComparison.OrdinalIgnoreCase)
            ? GatewayProblem.UnknownRoute(context.Request.Path).ExecuteAsync(context)
            : next(context));

    /// <summary>The framework's middleware, for the routes that have a <c>RateLimiterPolicy</c>.</summary>
    public static IApplicationBuilder UseRouteLimits(this IApplicationBuilder app) => app.Use(next =>
    {
        // Made for the first request that needs it: its limiter looks round ten times a second from then on, and nothing ever stops it.
        var limited = new Lazy<RequestDelegate>(() =>
        {
            var branch = app.New();
            branch.UseRateLimiter();
            branch.Run(next);
            return branch.Build();
        });
        return context => context.GetEndpoint()?.Metadata.GetMetadata<EnableRateLimitingAttribute>() is null ? next(context) : limited.Value(context);
    });

    public static IApplicationBuilder UsePassThrough(this IApplicationBuilder app) => app.UseMiddleware<PassThrough>();

    /// <summary>True where the request matched a YARP route.</summary>
    public static bool IsProxied(this HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>() is not null;

    /// <summary>A destination that refused this generation before, or rests, is asked only where there is no other.</summary>
    /// <remarks>YARP itself takes a resting one out of the available a moment later.</remarks>
    private static Task PassOverTried(HttpContext context, RequestDelegate next)
    {
        var proxied = context.GetReverseProxyFeature();
        var request = context.Features.Get<InternalRequest>();
        if (request?.Destination is { } placed)
        {
            // Also if it rests by now: an order is known to the account that placed it.
            proxied.AvailableDestinations = [.. proxied.AllDestinations.Where(destination => destination.DestinationId == placed)];
        }
        else if (proxied.AvailableDestinations.Count > 1)
        {
            var tried = request?.Tried;
            List<DestinationState> others =
                [.. proxied.AvailableDestinations.Where(destination => destination.Health.Passive != DestinationHealth.Unhealthy && tried?.Contains(destination.DestinationId) != true)];
            if (others.Count > 0)
            {
                proxied.AvailableDestinations = others;
            }
        }

        return next(context);
    }

    /// <summary>Only generations and explicit pass-throughs get to YARP; a request that matched a route by itself does not exist for it.</summary>
    private static Task RefuseStrangers(HttpContext context, RequestDelegate next) =>
        context.Features.Get<InternalRequest>() is not null || context.Features.Get<PassThrough>() is not null
            ? next(context)
            : GatewayProblem.UnknownRoute(context.Request.Path).ExecuteAsync(context);
}
