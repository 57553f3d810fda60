using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching.Purging;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>Answers a request for an image with a kept one, if there is one that will do; and settles on which terms it uses the cache.</summary>
internal sealed class ResponseCachingMiddleware(RequestDelegate next, KeptImages kept, AnsweredRequests answered, TimeProvider time)
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
        var accept = request.Model.Served.FormatFor(ImageMediaType.Choose(context.Request.Headers.Accept, otherwise));
        var terms = CacheTerms.Of(context, request, accept);
        context.Features.Set(terms);
        var finding = FindAsync(terms);
        if (finding.IsCompletedSuccessfully)
        {
            return GoOnAsync(context, terms, finding.Result, started);
        }

        return AwaitAsync();

        async Task AwaitAsync() => await GoOnAsync(context, terms, await finding, started);
    }

    private Task GoOnAsync(HttpContext context, CacheTerms terms, (KeptImage? Image, bool IsClaim) found, long started)
    {
        context.GetRequestRecord().CacheTime = time.GetElapsedTime(started);
        return found.Image is null ? next(context) : AnswerAsync(context, terms, found.Image, found.IsClaim);
    }

    /// <summary>An image in memory is found without waiting.</summary>
    private ValueTask<(KeptImage? Image, bool IsClaim)> FindAsync(CacheTerms terms)
    {
        if (!terms.Reads)
        {
            return default;
        }

        return terms.IsReusable && kept.TryFind(terms.Key, out var found) ? new((found, false)) : FindElsewhereAsync(terms);
    }

    private async ValueTask<(KeptImage? Image, bool IsClaim)> FindElsewhereAsync(CacheTerms terms)
    {
        // Both at once: each is a way to Redis and back.
        var claim = kept.FindClaimAsync(terms.ClaimKey);
        if (terms.IsReusable && await kept.FindAsync(terms.Key) is { } image)
        {
            using var unused = (await claim)?.Lease;
            return (image, false);
        }

        return (await claim, true);
    }

    private async Task AnswerAsync(HttpContext context, CacheTerms terms, KeptImage image, bool isClaim)
    {
        using var lease = image.Lease;
        answered.Add(context.TraceIdentifier, lease.Image.ETag);
        await ImageAnswer.OfKept(image).WriteAsync(context, terms);
        if (isClaim)
        {
            // It waited for this one owner, who has it now.
            kept.Remove(terms.ClaimKey);
        }
    }
}

internal static class ResponseCachingSetup
{
    public static IServiceCollection AddImageCache(this IServiceCollection services) => services
        .AddSingleton<ImageCache>()
        .AddSingleton(KeptOf)
        .AddPurging();

    private static KeptImages KeptOf(IServiceProvider services)
    {
        KeptImages kept = new(services.GetRequiredService<ImageCache>(), SharedOf(services), services.GetRequiredService<Purger>());
        kept.Listen();
        return kept;
    }

    private static SharedImages? SharedOf(IServiceProvider services) => services.GetService<RedisImages>() is not { } redis ? null : new SharedImages(
        redis.Connection, services.GetRequiredService<CurrentSettings>().Value.Redis, services.GetRequiredService<PurgeList>(), services.GetRequiredService<ImagesRoom>(), services.GetRequiredService<ILogger<SharedImages>>());

    public static IApplicationBuilder UseImageCache(this IApplicationBuilder app) => app.UseMiddleware<ResponseCachingMiddleware>();
}
