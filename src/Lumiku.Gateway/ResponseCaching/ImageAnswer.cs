using System.Globalization;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>How an image came to its caller: the value of <c>X-Cache</c>.</summary>
internal enum CacheOutcome
{
    /// <summary>Kept before.</summary>
    Hit,

    /// <summary>Made for this request.</summary>
    Miss,

    /// <summary>Made for another request that was under way.</summary>
    Coalesced,

    /// <summary>Made for this request, which wanted nothing kept or shared.</summary>
    Bypass,
}

/// <summary>An image on its way to a caller.</summary>
/// <param name="Kept">Its age and what is left; null where it was not kept before.</param>
/// <param name="IsStored">It is kept for others from now on.</param>
/// <param name="Units">What this request was charged.</param>
internal sealed record ImageAnswer(GeneratedImage Image, CacheOutcome Outcome, KeptImage? Kept, bool IsStored, int Units)
{
    public const string CacheHeader = "X-Cache";
    public const string CacheStatusHeader = "Cache-Status";
    public const string UnitsHeader = "X-Lumiku-Units";
    public const string UpstreamHeader = "X-Lumiku-Upstream";

    public static ImageAnswer OfKept(KeptImage kept) => new(kept.Lease.Image, CacheOutcome.Hit, kept, IsStored: true, Units: 0);

    /// <exception cref="OperationCanceledException">The caller left in the middle.</exception>
    public async Task WriteAsync(HttpContext context, CacheTerms terms)
    {
        var response = context.Response;
        var record = context.GetRequestRecord();
        var facts = record.Facts;
        record.Story.Answered(this);
        facts["Cache"] = XCache;
        facts["Units"] = Units;
        if (Image.Upstream is { } upstream)
        {
            facts["Upstream"] = upstream;
        }

        record.Cost = ImageCost.Of(context.GetSettings(), context.GetUpstreamRequest().Model, Image.Model, Image.Upstream, isMade: Outcome is CacheOutcome.Miss or CacheOutcome.Bypass);
        SetHeaders(context, terms);
        foreach (var piece in Image.Content)
        {
            // Also when the caller has left: Kestrel then takes the bytes and throws them away, and nobody would notice.
            context.RequestAborted.ThrowIfCancellationRequested();
            await response.BodyWriter.WriteAsync(piece, context.RequestAborted);
        }

        context.RequestAborted.ThrowIfCancellationRequested();
    }

    private string XCache => Outcome switch
    {
        CacheOutcome.Hit => "HIT",
        CacheOutcome.Miss => "MISS",
        CacheOutcome.Coalesced => "COALESCED",
        _ => "BYPASS",
    };

    private void SetHeaders(HttpContext context, CacheTerms terms)
    {
        var headers = context.Response.Headers;
        headers.ContentType = Image.MediaType;
        headers.ContentLength = Image.Content.Length;
        headers.ETag = Image.ETag;
        headers.XContentTypeOptions = "nosniff";
        foreach (var (name, value) in Image.UpstreamHeaders)
        {
            headers[name] = value;
        }

        ModelSubstitutionMiddleware.SetServed(context, Image.Model);
        if (Image.Upstream is not null)
        {
            headers[UpstreamHeader] = Image.Upstream;
        }

        headers[CacheHeader] = XCache;
        headers[CacheStatusHeader] = CacheStatus(terms);
        headers[UnitsHeader] = Units.ToString(CultureInfo.InvariantCulture);
        if (Kept is not null)
        {
            headers.Age = Seconds(Kept.Age);
        }
    }

    /// <summary>RFC 9211, as the cache <c>lumiku</c>.</summary>
    private string CacheStatus(CacheTerms terms) => Outcome switch
    {
        CacheOutcome.Hit => $"lumiku; hit; ttl={Seconds(Kept!.TimeToLive)}",
        CacheOutcome.Bypass => "lumiku; fwd=bypass",
        CacheOutcome.Coalesced => terms.Reads ? "lumiku; fwd=miss; collapsed" : "lumiku; fwd=request; collapsed",
        _ when terms.Reads => IsStored ? "lumiku; fwd=miss; stored" : "lumiku; fwd=miss",
        _ => IsStored ? "lumiku; fwd=request; stored" : "lumiku; fwd=request",
    };

    private static string Seconds(TimeSpan span) => ((long)span.TotalSeconds).ToString(CultureInfo.InvariantCulture);
}
