using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Generation;

/// <summary>What a flight is to make, and what instead where upstream cannot. Nothing in it belongs to a caller's request.</summary>
/// <param name="Route">The YARP route that the opener's request matched.</param>
/// <param name="Settings">Those in force when it was opened; they hold to its end.</param>
/// <param name="Fallback">Null: there is none, or none for the opener's tier.</param>
internal sealed record GenerationPlan(RouteEndpoint Route, UpstreamRequest Request, CacheTerms Terms, GatewaySettings Settings, GenerationPlan? Fallback)
{
    public Model Model => Request.Model.Served;

    /// <summary>How long a model in trouble is waited for: as long as a caller waits.</summary>
    public TimeSpan WaitLimit => Settings.Generation.WaitLimitOf(Model);

    /// <summary>Whether the fallback is asked after trouble of this kind.</summary>
    public bool FallsBackOn(FailureClass kind) => Fallback is not null && (Model.Options.FallbackOn ?? ModelOptions.DefaultFallbackOn).Contains(kind);

    /// <summary>Bytes of all bodies that are held for it.</summary>
    public long BodyBytes => Request.Body.Length + (Fallback?.BodyBytes ?? 0);

    /// <summary>What is left to know of it once it is over.</summary>
    public GenerationPlan WithoutBodies() => this with { Request = Request with { Body = default }, Fallback = null };

    /// <summary>Plans for a caller's request. The bodies of fallbacks are written now, while the caller's own is there to write them from.</summary>
    public static GenerationPlan For(HttpContext context, CacheTerms terms)
    {
        var route = (RouteEndpoint)context.GetEndpoint()!;
        var request = context.GetUpstreamRequest();
        return new GenerationPlan(route, request, terms, context.GetSettings(), FallbackOf(context, route, request, terms));
    }

    private static GenerationPlan? FallbackOf(HttpContext context, RouteEndpoint route, UpstreamRequest failed, CacheTerms terms)
    {
        var settings = context.GetSettings();
        if (settings.Models.FallbackOf(failed.Model.Served, context.GetIdentity().Tier) is not { } model)
        {
            return null;
        }

        var choice = new ModelChoice(failed.Model.Requested, model);
        var given = context.GetInferenceRequest();
        var task = context.GetModelPath().Task;
        GatewayProblem? problem = null;
        // Bytes are not translated, so both may have the same.
        var request = given.Json is null
            ? failed with { Model = choice, Path = ModelPath.For(model.Id, task) }
            : UpstreamRequest.Write(given, choice, task, out problem);
        // A parameter that the fallback refuses: then there is none for this request.
        return problem is not null ? null
            : new GenerationPlan(route, request, terms.For(context, request), settings, FallbackOf(context, route, request, terms));
    }
}
