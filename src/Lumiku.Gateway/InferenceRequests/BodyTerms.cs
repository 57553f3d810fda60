using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.InferenceRequests;

/// <summary>On which terms a body is read, settled before its first byte.</summary>
/// <param name="Limit">In bytes, decoded.</param>
/// <param name="IsEncoded">It came with a Content-Encoding.</param>
internal sealed record BodyTerms(int Limit, bool IsEncoded)
{
    /// <summary>Settles the terms and has Kestrel and the decoder keep the limit.</summary>
    /// <remarks>YARP applies a route's <c>MaxRequestBodySize</c> only after us, so it is honoured here.</remarks>
    public static void Settle(HttpContext context)
    {
        var limit = context.GetSettings().Limits.RequestBodyBytes;
        if (context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config.MaxRequestBodySize is >= 0 and var ofRoute && ofRoute < limit)
        {
            limit = (int)ofRoute;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = limit;
        }

        context.Features.Set(new BodyTerms(limit, context.Request.Headers.ContentEncoding.Count > 0));
    }
}
