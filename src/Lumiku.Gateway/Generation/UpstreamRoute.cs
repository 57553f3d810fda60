using Microsoft.AspNetCore.Routing.Template;

namespace Lumiku.Gateway.Generation;

/// <summary>Directs a context to a path upstream over a route that was matched for another one.</summary>
internal static class UpstreamRoute
{
    /// <summary>Sets path, endpoint and route values for the served model.</summary>
    /// <remarks>YARP's path transforms read the route values; those of the caller's own match name the requested model and would lead round the entitlement.</remarks>
    /// <returns>False where the route's pattern has places that this path does not fill.</returns>
    public static bool Direct(HttpContext context, RouteEndpoint route, string path)
    {
        var values = new RouteValueDictionary();
        var pattern = route.RoutePattern;
        if (pattern.Parameters.Count > 0 && !new TemplateMatcher(new RouteTemplate(pattern), new RouteValueDictionary(pattern.Defaults)).TryMatch(path, values))
        {
            return false;
        }

        context.Request.Path = path;
        context.Request.RouteValues = values;
        context.SetEndpoint(route);
        return true;
    }
}
