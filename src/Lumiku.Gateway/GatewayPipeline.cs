using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Dashboard;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ResponseCaching.Purging;
using Lumiku.Gateway.ReverseProxy;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Lumiku.Gateway.Telemetry.Explanations;

namespace Lumiku.Gateway;

/// <summary>The path of a caller's request. The request to upstream is another one: <see cref="UpstreamAttempt"/>.</summary>
internal static class GatewayPipeline
{
    public static void UseGateway(this WebApplication app)
    {
        app.UseRequestIds();           // every answer names its request
        app.UseExplanations();         // the story of each, for GET /explain
        app.UseRequestLog();           // one line a request, whatever becomes of it
        app.UseSettingsSnapshot();     // a request keeps the settings it started with
        app.UseProblemAnswers();       // exceptions and bare statuses become our one shape of error
        app.UseConnectionDraining();   // while stopping: come back elsewhere
        app.UseTrustedProxies();       // whose address it really is
        app.UseModelPaths();           // 404, 405: a well-formed model path, one spelling of it

        app.UseRouting();              // YARP's routes match here, so that their policies hold for callers
        app.UseClosedRoutes();         // 404: routes that generations alone go by
        app.UseDashboard();            // the operators' page, to its end: what is below /ops and no endpoint's
        app.UseAuthentication();       // who is calling
        app.UseAuthorization();        // a route's AuthorizationPolicy
        app.UseRouteLimits();          // a route's RateLimiterPolicy

        app.UseWhen(IsForAModel, models =>
        {
            models.RequireCaller();          // 401
            models.UseEntitlements();        // 422: for which user, at which tier
            models.UseInferenceRequests();   // 400, 413, 415, 429: the checked body
            models.UseModelSubstitution();   // 403, 404, 422: which model serves it, with which parameters
            models.UseLimits();              // 429: requests a minute, and at once
            models.UseImageCache();          // 200: an image kept before
            models.UseGeneration();          // 200, 429, 502, 504: an image made once for all who ask, whole and checked
            models.UsePassThrough();         // everything that is no image streams on to YARP
        });

        app.MapHealth();
        app.MapLimits();
        app.MapModels();
        app.MapPurge();
        app.MapExplanations();
        app.MapMetrics();
        app.MapGatewayReverseProxy();
        app.UseRoutesForSubstitutes();
    }

    private static bool IsForAModel(HttpContext context) => context.Features.Get<ModelPath>() is not null && context.IsProxied();
}
