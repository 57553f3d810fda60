using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>Chooses the model that serves a request, and writes the body for it: 403, 404 or 422 where there is none.</summary>
internal sealed partial class ModelSubstitutionMiddleware(RequestDelegate next, ILogger<ModelSubstitutionMiddleware> logger)
{
    public const string RequestedHeader = "X-Lumiku-Model-Requested";
    public const string ServedHeader = "X-Lumiku-Model-Served";
    public const string SubstitutionHeader = "X-Lumiku-Substitution";

    public Task InvokeAsync(HttpContext context)
    {
        var path = context.GetModelPath();
        var models = context.GetSettings().Models;
        if (models.Find(path.ModelId) is not { } requested)
        {
            return GatewayProblem.ModelNotListed(path.ModelId).ExecuteAsync(context);
        }

        // Looking a model up is not inference: no entitlement is asked for and nothing is translated.
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Features.Set(new UpstreamRequest(new ModelChoice(requested, requested), ModelPath.For(requested.Id, path.Task), MediaType: null, Body: default));
            return next(context);
        }

        return ServeAsync(context, requested, path.Task);
    }

    public static void SetHeaders(IHeaderDictionary headers, ModelChoice model)
    {
        headers[RequestedHeader] = model.Requested.Id;
        headers[ServedHeader] = model.Served.Id;
        if (model.IsSubstituted)
        {
            headers[SubstitutionHeader] = ModelChoice.ByEntitlement;
        }
    }

    /// <summary>Says which model made the image, if it is another than the one that was to: that one failed upstream.</summary>
    public static void SetServed(HttpContext context, string model)
    {
        if (model != context.GetUpstreamRequest().Model.Served.Id)
        {
            context.Response.Headers[ServedHeader] = model;
            context.Response.Headers[SubstitutionHeader] = ModelChoice.ByUpstream;
            context.GetRequestRecord().Facts["ServedModel"] = model;
            context.GetRequestRecord().Facts["Substitution"] = ModelChoice.ByUpstream;
        }
    }

    private Task ServeAsync(HttpContext context, Model requested, string? task)
    {
        var tier = context.GetIdentity().Tier;
        if (context.GetSettings().Models.Choose(requested, tier) is not { } model)
        {
            return GatewayProblem.ModelNotInTier(requested.Id, requested.Options.Requires!, tier.Name).ExecuteAsync(context);
        }

        SetHeaders(context.Response.Headers, model);
        var facts = context.GetRequestRecord().Facts;
        if (model.IsSubstituted)
        {
            Log.Substituted(logger, model.Served.Id, model.Requested.Id, tier.Name);
            facts["Substitution"] = ModelChoice.ByEntitlement;
        }

        facts["RequestedModel"] = model.Requested.Id;
        facts["ServedModel"] = model.Served.Id;

        var request = UpstreamRequest.Write(context.GetInferenceRequest(), model, task, out var problem);
        if (problem is not null)
        {
            return problem.ExecuteAsync(context);
        }

        context.Features.Set(request);
        return next(context);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "Serving {ServedModel} instead of {RequestedModel} to a caller of tier {Tier}")]
        public static partial void Substituted(ILogger logger, string servedModel, string requestedModel, string tier);
    }
}
