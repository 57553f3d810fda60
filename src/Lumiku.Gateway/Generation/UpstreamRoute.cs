using System.Runtime.CompilerServices;
using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.ModelSubstitution;
using Microsoft.AspNetCore.Routing.Template;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.Generation;

/// <summary>Finds the YARP route for what is served, which need not be what was asked for.</summary>
/// <remarks>
/// The route that the caller's request matched is good for its own model alone: its path transforms read the route values, and a route
/// made for one model leads to that model whatever the path says. So a substitute is matched anew, as if it had been asked for.
/// </remarks>
internal sealed class UpstreamRoute(IServiceProvider services) : IDisposable
{
    /// <summary>Of each route as long as it is in force.</summary>
    private readonly ConditionalWeakTable<RouteEndpoint, TemplateMatcher> _matchers = [];
    private RequestDelegate? _match;
    private CompositeEndpointDataSource? _endpoints;
    private NamedRoutes? _named;

    /// <summary>Takes the framework's own matching over all routes mapped so far.</summary>
    public void UseRoutesOf(WebApplication app)
    {
        var sources = ((IEndpointRouteBuilder)app).DataSources;
        // A source by itself builds its endpoints anew each time it is asked, which takes milliseconds; this remembers them as long as they are in force.
        _endpoints = new CompositeEndpointDataSource(sources);
        var matching = ((IApplicationBuilder)app).New();
        matching.UseRouting();
        matching.Run(_ => Task.CompletedTask); // Matched is enough; whoever asked runs the endpoint.
        matching.UseEndpoints(routes =>
        {
            foreach (var source in sources)
            {
                routes.DataSources.Add(source);
            }
        });
        _match = matching.Build();
    }

    public void Dispose() => _endpoints?.Dispose();

    /// <summary>The route of that name that is in force; null where there is none.</summary>
    public RouteEndpoint? Named(string route)
    {
        var (named, endpoints) = (_named, _endpoints!.Endpoints);
        if (named is null || !ReferenceEquals(named.Of, endpoints))
        {
            _named = named = new NamedRoutes(endpoints);
        }

        return named.Find(route);
    }

    /// <param name="callers">The route that the caller's request matched.</param>
    /// <returns>Null where no route leads there; nothing must be sent then.</returns>
    public async ValueTask<UpstreamTarget?> FindAsync(RouteEndpoint callers, UpstreamRequest request)
    {
        if (request.Model.IsSubstituted)
        {
            var context = new DefaultHttpContext { RequestServices = services };
            (context.Request.Method, context.Request.Scheme, context.Request.Path) = (HttpMethods.Post, Uri.UriSchemeHttps, request.Path);
            await _match!(context);
            if (context.GetEndpoint() is RouteEndpoint endpoint && endpoint.Metadata.GetMetadata<RouteModel>() is not null)
            {
                return new UpstreamTarget(endpoint, context.Request.RouteValues, request.Path);
            }

            // A route that asks for a host or header of the caller's matches nothing here; the caller's own does if its pattern is general.
            if (callers.RoutePattern.ParameterPolicies.Count > 0)
            {
                return null;
            }
        }

        // For the requested model: the same path but for its letter case, which the route values must follow.
        var values = new RouteValueDictionary();
        var matcher = _matchers.GetValue(callers, static route => new TemplateMatcher(new RouteTemplate(route.RoutePattern), new RouteValueDictionary(route.RoutePattern.Defaults)));
        return matcher.TryMatch(request.Path, values) ? new UpstreamTarget(callers, values, request.Path) : null;
    }
}

/// <summary>The YARP routes among endpoints, by their names.</summary>
internal sealed class NamedRoutes(IReadOnlyList<Endpoint> endpoints)
{
    private readonly Dictionary<string, RouteEndpoint> _routes = endpoints.OfType<RouteEndpoint>()
        .Where(endpoint => endpoint.Metadata.GetMetadata<RouteModel>() is not null)
        .DistinctBy(NameOf, StringComparer.OrdinalIgnoreCase).ToDictionary(NameOf, StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<Endpoint> Of => endpoints;

    public RouteEndpoint? Find(string route) => _routes.GetValueOrDefault(route);

    private static string NameOf(Endpoint endpoint) => endpoint.Metadata.GetMetadata<RouteModel>()!.Config.RouteId;
}

/// <summary>Where a request goes: a YARP route with the values that its transforms read.</summary>
/// <param name="Path">Of Hugging Face's own form.</param>
internal sealed record UpstreamTarget(RouteEndpoint Endpoint, RouteValueDictionary Values, string Path)
{
    /// <summary>What the model is called there, and how it is spoken to; null: as Hugging Face itself, by the route that the request matched.</summary>
    public Serving? Serving { get; init; }

    /// <summary>Its name among <c>Upstreams</c>; of the cluster where no <c>Served</c> names one.</summary>
    public string Upstream => Serving?.Upstream ?? Endpoint.Metadata.GetMetadata<RouteModel>()?.Cluster?.ClusterId ?? "";

    /// <summary>Sets path, endpoint and route values.</summary>
    /// <param name="path">A dialect's; null: <see cref="Path"/>.</param>
    public void Direct(HttpContext context, string? path = null)
    {
        context.Request.Path = path ?? Path;
        context.Request.RouteValues = new RouteValueDictionary(Values);
        context.SetEndpoint(Endpoint);
    }
}
