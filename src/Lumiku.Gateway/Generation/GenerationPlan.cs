using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Generation;

/// <summary>What a flight is to make, and what instead where upstream cannot. Nothing in it belongs to a caller's request.</summary>
/// <param name="Route">The YARP route that the opener's request matched.</param>
/// <param name="Settings">Those in force when it was opened; they hold to its end.</param>
/// <param name="Servings">Who makes it, in the order in which they are asked; none: the upstream of <paramref name="Route"/>.</param>
/// <param name="Fallback">Null: there is none, or none for the tier of who planned.</param>
internal sealed record GenerationPlan(
    RouteEndpoint Route, UpstreamRequest Request, CacheTerms Terms, GatewaySettings Settings, IReadOnlyList<PlannedServing> Servings, GenerationPlan? Fallback)
{
    public Model Model => Request.Model.Served;

    /// <summary>How long a model in trouble is waited for: as long as a caller waits.</summary>
    public TimeSpan WaitLimit => Settings.Generation.WaitLimitOf(Model);

    /// <summary>Whether the fallback is asked after trouble of this kind.</summary>
    public bool FallsBackOn(FailureClass kind) => Fallback is not null && (Model.Options.FallbackOn ?? ModelOptions.DefaultFallbackOn).Contains(kind);

    /// <summary>The same of a failure: not where the model was never asked, nor where it may still make the image.</summary>
    public bool FallsBackOn(UpstreamFailure failure) => failure is { HasNoPlace: false, IsOrdered: false } && FallsBackOn(failure.Class);

    /// <summary>Whether there is somebody else to ask after the one with this number among <see cref="Servings"/>.</summary>
    public bool HasMore(int serving) => serving + 1 < Servings.Count || Fallback is not null;

    /// <summary>Whether the next is asked after trouble of this kind.</summary>
    public bool GoesOn(int serving, FailureClass kind) =>
        serving + 1 < Servings.Count ? (Model.Options.NextOn ?? ModelOptions.DefaultNextOn).Contains(kind) : FallsBackOn(kind);

    /// <summary>The same of a failure: where nothing was sent, the next of the upstreams may be asked whatever it was; where an order was taken, nobody.</summary>
    public bool GoesOn(int serving, UpstreamFailure failure) =>
        !failure.IsOrdered && (GoesOn(serving, failure.Class) || (serving + 1 < Servings.Count && (failure.IsOurs || failure.Repeat == RepeatRule.Soon)));

    /// <summary>The same for an opener who may be of another tier than the one it was planned for: its fallbacks end before the first that the tier may not have.</summary>
    public GenerationPlan OpenedBy(Tier tier) =>
        Fallback is null ? this : this with { Fallback = tier.Has(Fallback.Model.Options.Requires) ? Fallback.OpenedBy(tier) : null };

    /// <summary>Bytes of all bodies that are held for it; a dialect's own, while it is sent, is one more.</summary>
    public long BodyBytes => (Request.Body.Length * (Servings.Count > 0 ? 2L : 1)) + (Fallback?.BodyBytes ?? 0);

    /// <summary>What is left to know of it once it is over.</summary>
    public GenerationPlan WithoutBodies() => this with { Request = Request with { Body = default }, Fallback = null };

    /// <summary>Plans for a caller's request. The bodies of fallbacks are written now, while the caller's own is there to write them from.</summary>
    public static GenerationPlan For(HttpContext context, CacheTerms terms)
    {
        var route = (RouteEndpoint)context.GetEndpoint()!;
        var request = context.GetUpstreamRequest();
        return new GenerationPlan(route, request, terms, context.GetSettings(), ServingsOf(context, request.Model.Served), FallbackOf(context, route, request, terms, [request.Model.Served]));
    }

    /// <summary>With the routes that are in force now, as the settings are.</summary>
    private static IReadOnlyList<PlannedServing> ServingsOf(HttpContext context, Model model)
    {
        var servings = context.GetSettings().Upstreams.Of(model);
        if (servings.Count == 0)
        {
            return [];
        }

        var routes = context.RequestServices.GetRequiredService<UpstreamRoute>();
        return [.. servings.Select(serving => new PlannedServing(serving, serving.Route is { } route ? routes.Named(route) : null))];
    }

    /// <param name="planned">No model is asked twice. Settings with such a chain are refused; one that got through would never end here.</param>
    private static GenerationPlan? FallbackOf(HttpContext context, RouteEndpoint route, UpstreamRequest failed, CacheTerms terms, IReadOnlyList<Model> planned)
    {
        var settings = context.GetSettings();
        if (settings.Models.FallbackOf(failed.Model.Served, context.GetIdentity().Tier) is not { } model || planned.Contains(model))
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
            : new GenerationPlan(
                route, request, terms.For(context, request), settings, ServingsOf(context, model), FallbackOf(context, route, request, terms, [.. planned, model]));
    }
}

/// <summary>One that makes the images of a model, with the route there.</summary>
/// <param name="Route">Null where it has none of its own: the one that the request matches.</param>
internal sealed record PlannedServing(Serving Serving, RouteEndpoint? Route);
