using Lumiku.Gateway.InferenceRequests;

namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>What goes upstream: nothing of the caller's but what is here.</summary>
/// <param name="Path">Of the served model, rebuilt from its parts.</param>
/// <param name="MediaType">Of the body; null where there is none.</param>
/// <param name="Body">Canonical JSON or the caller's bytes.</param>
internal sealed record UpstreamRequest(ModelChoice Model, string Path, string? MediaType, ReadOnlyMemory<byte> Body)
{
    /// <summary>Names of the parameters that the served model's rules gave, took away or gave another value.</summary>
    public IReadOnlyList<string> ChangedParameters { get; init; } = [];

    /// <summary>A checked request, translated for the model that serves it.</summary>
    /// <param name="problem">A 422 that names the parameter; null: the request is good.</param>
    public static UpstreamRequest Write(InferenceRequest request, ModelChoice model, string? task, out GatewayProblem? problem) =>
        new(model, ModelPath.For(model.Served.Id, task), request.MediaType, UpstreamBody.Write(request, model, out var changed, out problem)) { ChangedParameters = changed ?? [] };
}

internal static class ModelSubstitutionSetup
{
    public static IApplicationBuilder UseModelSubstitution(this IApplicationBuilder app) => app.UseMiddleware<ModelSubstitutionMiddleware>();

    public static UpstreamRequest GetUpstreamRequest(this HttpContext context) => context.Features.GetRequiredFeature<UpstreamRequest>();
}
