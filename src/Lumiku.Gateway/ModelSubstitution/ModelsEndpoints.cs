using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary><c>GET /ops/models</c>: the catalog in force, for the operator.</summary>
internal static class ModelsEndpoints
{
    public static void MapModels(this IEndpointRouteBuilder routes) => routes.Map("/ops/models", OperatorAccess.ToLook(ShowAsync));

    private static Task ShowAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        return GatewayJson.WriteAsync(context, GatewayJson.Serialize(ModelsBody.Of(context.GetSettings())));
    }
}

/// <summary>What <c>GET /ops/models</c> says.</summary>
/// <param name="Unlisted">What becomes of models that are not listed: <c>Allow</c> or <c>Deny</c>.</param>
/// <param name="WaitSeconds">How long a caller waits for one of those.</param>
/// <param name="Models">In the order of their ids.</param>
internal sealed record ModelsBody(string Unlisted, double WaitSeconds, IReadOnlyList<ModelBody> Models)
{
    public static ModelsBody Of(GatewaySettings settings) => new(
        settings.Models.Unlisted.ToString(),
        settings.Generation.WaitLimit.TotalSeconds,
        [.. settings.Models.All.Select(model => new ModelBody(
            model.Id, model.Options.Output.ToString(), model.Options.Requires, model.Options.Substitute, model.Options.Fallback, settings.Generation.WaitLimitOf(model).TotalSeconds)
        {
            Served = model.Options.Served.Count == 0 ? null : [.. model.Options.Served.Select(served => served.Upstream!)],
        })]);
}

/// <param name="WaitSeconds">How long a caller waits for an image of it.</param>
internal sealed record ModelBody(string Id, string Output, string? Requires, string? Substitute, string? Fallback, double WaitSeconds)
{
    /// <summary>The upstreams that make its images, in the order in which they are asked; null: that of the route.</summary>
    public IReadOnlyList<string>? Served { get; init; }
}
