using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>How one request uses kept images and shares generations.</summary>
/// <param name="Key">Of the image it asks for.</param>
/// <param name="Identity">Who asks, for images that wait for one owner alone.</param>
/// <param name="Accept">The one media type that is asked for.</param>
/// <param name="Reads">A kept image will do.</param>
/// <param name="IsPrivate">Nothing is kept or shared (<c>no-store</c>).</param>
/// <param name="IsReusable">The image, once made, is for everybody who asks the same; else only for those who asked for this very one.</param>
internal sealed record CacheTerms(CacheKey Key, Identity Identity, string Accept, bool Reads, bool IsPrivate, bool IsReusable)
{
    /// <summary>How long an image waits for an owner who did not receive it, where its model's images are not kept at all.</summary>
    private static readonly TimeSpan ClaimLifetime = TimeSpan.FromHours(1);

    /// <summary>The id of the request.</summary>
    public string RequestId { get; init; } = "";

    /// <summary>Where this owner's own copy waits.</summary>
    public CacheKey ClaimKey => Key.For(Identity.Owner.ToString());

    public ImageClaim Claim => new(ClaimKey, Identity.Owner);

    public static CacheTerms Of(HttpContext context, UpstreamRequest request, string accept)
    {
        var directives = CacheDirectives.Of(context.Request.Headers);
        return new CacheTerms(
            KeyOf(context, request, accept),
            context.GetIdentity(),
            accept,
            Reads: directives is { NoCache: false, NoStore: false },
            IsPrivate: directives.NoStore,
            IsReusable: context.GetSettings().Cache.Unseeded == UnseededRequests.Reuse || context.GetInferenceRequest().HasSeed)
        {
            RequestId = context.TraceIdentifier,
        };
    }

    /// <summary>The same terms for the model that serves if the first cannot.</summary>
    public CacheTerms For(HttpContext context, UpstreamRequest fallback)
    {
        var accept = fallback.Model.Served.FormatFor(Accept);
        return this with { Key = KeyOf(context, fallback, accept), Accept = accept };
    }

    /// <summary>How long an image waits for its owner.</summary>
    public static TimeSpan ClaimFor(ModelOptions model) => model.CacheFor > TimeSpan.Zero ? model.CacheFor : ClaimLifetime;

    private static CacheKey KeyOf(HttpContext context, UpstreamRequest request, string accept) =>
        CacheKey.Of(request, accept, context.GetSettings().Cache.Scope == CacheScope.User ? context.GetIdentity().Owner.ToString() : null);
}

/// <summary>One owner's right to an image that it asked for and did not receive.</summary>
/// <param name="Key">Where the copy waits.</param>
internal readonly record struct ImageClaim(CacheKey Key, Owner Owner);
