namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>What goes upstream: nothing of the caller's but what is here.</summary>
/// <param name="Path">Of the served model, rebuilt from its parts.</param>
/// <param name="MediaType">Of the body; null where there is none.</param>
/// <param name="Body">Canonical JSON or the caller's bytes.</param>
internal sealed record UpstreamRequest(ModelChoice Model, string Path, string? MediaType, ReadOnlyMemory<byte> Body);

internal static class ModelSubstitutionSetup
{
    public static IApplicationBuilder UseModelSubstitution(this IApplicationBuilder app) => app.UseMiddleware<ModelSubstitutionMiddleware>();

    public static UpstreamRequest GetUpstreamRequest(this HttpContext context) => context.Features.GetRequiredFeature<UpstreamRequest>();
}
