using Lumiku.Gateway.ModelSubstitution;
using Microsoft.AspNetCore.Routing.Template;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.Generation;

/// <summary>Finds the YARP route for what is served, which need not be what was asked for.</summary>
/// <remarks>
/// The route that the caller's request matched is good for its own model alone: its path transforms read the route values, and a route
/// made for one model leads to that model whatever the path says. So a substitute is matched anew, as if it had been asked for.
/// </remarks>
internal sealed class UpstreamRoute
{
    private RequestDelegate? _match;

    /// <summary>Takes the framework's own matching over all routes mapped so far.</summary>
    public void UseRoutesOf(WebApplication app)
    {
        var matching = ((IApplicationBuilder)app).New();
        matching.UseRouting();
        matching.Run(_ => Task.CompletedTask); // Matched is enough; whoever asked runs the endpoint.
        matching.UseEndpoints(routes =>
        {
            foreach (var source in ((IEndpointRouteBuilder)app).DataSources)
            {
                routes.DataSources.Add(source);
            }
        });
        _match = matching.Build();
    }

    /// <summary>Sets path, endpoint and route values.</summary>
    /// <param name="callers">The route that the caller's request matched.</param>
    /// <returns>Null where no route leads there; the context must then go no further.</returns>
    public async Task<Endpoint?> DirectAsync(HttpContext context, RouteEndpoint callers, UpstreamRequest request)
    {
        context.Request.Path = request.Path;
        if (request.Model.IsSubstituted)
        {
            context.Request.RouteValues = [];
            context.SetEndpoint(null);
            await _match!(context);
            if (context.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<RouteModel>() is not null)
            {
                return endpoint;
            }

            // A route that asks for a host or header of the caller's matches nothing here; the caller's own does if its pattern is general.
            if (callers.RoutePattern.ParameterPolicies.Count > 0)
            {
                return null;
            }
        }

        // For the requested model: the same path but for its letter case, which the route values must follow.
        var values = new RouteValueDictionary();
        var matches = new TemplateMatcher(new RouteTemplate(callers.RoutePattern), new RouteValueDictionary(callers.RoutePattern.Defaults)).TryMatch(request.Path, values);
        if (!matches)
        {
            return null;
        }

        context.Request.RouteValues = values;
        context.SetEndpoint(callers);
        return callers;
    }
}
