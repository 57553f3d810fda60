using Lumiku.Gateway.Redis;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Health;

/// <summary><c>/health/live</c>: the process runs. <c>/health/ready</c>: it wants requests, and whether all is well.</summary>
internal static class HealthEndpoints
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static IServiceCollection AddHealth(this IServiceCollection services, GatewaySettings settings)
    {
        services.AddSingleton(settings.Shutdown).AddSingleton<Draining>().AddHostedService(provider => provider.GetRequiredService<Draining>());
        return services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.Shutdown.DrainLimit + ShutdownOptions.LastAnswers);
    }

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/health/live", Methods, context => WriteAsync(context, StatusCodes.Status200OK, new HealthBody("live")));
        routes.MapMethods("/health/ready", Methods, (HttpContext context, Draining draining, CurrentSettings settings) => draining switch
        {
            { IsDraining: true } => WriteAsync(context, StatusCodes.Status503ServiceUnavailable, new HealthBody("draining")),
            { IsReady: false } => WriteAsync(context, StatusCodes.Status503ServiceUnavailable, new HealthBody("starting")),
            _ when Reasons(settings, context.RequestServices) is { Count: > 0 } reasons => WriteAsync(context, StatusCodes.Status200OK, new HealthBody("degraded", reasons)),
            _ => WriteAsync(context, StatusCodes.Status200OK, new HealthBody("ready")),
        });
    }

    /// <summary>While draining, keep-alive connections are closed with their next answer, so that their callers come back elsewhere.</summary>
    public static IApplicationBuilder UseConnectionDraining(this IApplicationBuilder app)
    {
        var draining = app.ApplicationServices.GetRequiredService<Draining>();
        return app.Use((context, next) =>
        {
            // Asked when the answer begins: what came before the signal ends its connection too.
            context.Response.OnStarting(static state =>
            {
                var (context, draining) = ((HttpContext, Draining))state;
                if (draining.IsDraining && HttpProtocol.IsHttp11(context.Request.Protocol))
                {
                    context.Response.Headers.Connection = "close";
                }

                return Task.CompletedTask;
            }, (context, draining));
            return next(context);
        });
    }

    /// <summary>What is not as it should be while the gateway serves on.</summary>
    private static List<string> Reasons(CurrentSettings settings, IServiceProvider services)
    {
        string?[] away = [services.GetService<RedisState>()?.Connection.Problem, services.GetService<RedisImages>()?.Connection.Problem];
        return [.. settings.Refused ?? [], .. away.OfType<string>()];
    }

    private static Task WriteAsync(HttpContext context, int status, HealthBody body)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        return GatewayJson.WriteAsync(context, GatewayJson.Serialize(body));
    }
}
