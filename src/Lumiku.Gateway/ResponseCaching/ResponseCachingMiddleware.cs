using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Answers a request for an image with a kept one, if there is one that will do; and settles on which terms it uses the cache.</summary>
internal sealed class ResponseCachingMiddleware(RequestDelegate next, ImageCache cache, TimeProvider time)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = context.GetUpstreamRequest();
        if (!HttpMethods.IsPost(context.Request.Method) || !request.Model.Served.MakesImages)
        {
            return next(context);
        }

        var started = time.GetTimestamp();
        var otherwise = context.GetEndpoint()?.Metadata.GetMetadata<ImageAccept>()?.MediaType ?? ImageMediaType.Png;
        var terms = CacheTerms.Of(context, request, ImageMediaType.Choose(context.Request.Headers.Accept, otherwise));
        context.Features.Set(terms);
        var found = Find(terms, out var isClaim);
        context.GetRequestRecord().CacheTime = time.GetElapsedTime(started);
        return found is null ? next(context) : AnswerAsync(context, terms, found, isClaim);
    }

    private KeptImage? Find(CacheTerms terms, out bool isClaim)
    {
        isClaim = false;
        if (!terms.Reads)
        {
            return null;
        }

        if (terms.IsReusable && cache.TryFind(terms.Key, out var kept))
        {
            return kept;
        }

        return (isClaim = cache.TryFind(terms.ClaimKey, out kept)) ? kept : null;
    }

    private async Task AnswerAsync(HttpContext context, CacheTerms terms, KeptImage kept, bool isClaim)
    {
        using var lease = kept.Lease;
        await ImageAnswer.OfKept(kept).WriteAsync(context, terms);
        if (isClaim)
        {
            // It waited for this one owner, who has it now.
            cache.Remove(terms.ClaimKey);
        }
    }
}

internal static class ResponseCachingSetup
{
    public static IServiceCollection AddImageCache(this IServiceCollection services) => services.AddSingleton<ImageCache>();

    public static IApplicationBuilder UseImageCache(this IApplicationBuilder app) => app.UseMiddleware<ResponseCachingMiddleware>();
}
