using System.Globalization;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>What router and CDN add to every answer. None of it should reach a gateway's caller unasked.</summary>
internal static class EdgeHeaders
{
    public static void Apply(HttpResponse response, ReceivedRequest request)
    {
        if (request.Call == CallKind.Download)
        {
            response.Headers["server"] = "AmazonS3"; // The pictures lie in a store of objects, not behind the router.
            return;
        }

        var id = Guid.NewGuid().ToString("N");
        var headers = response.Headers;
        headers["x-request-id"] = $"Root=1-{id[..8]}-{id[8..]}";
        headers["x-inference-provider"] = request.Provider.Length > 0 ? request.Provider : "hf-inference";
        headers["x-powered-by"] = "huggingface-moon";
        headers["server"] = "uvicorn";
        headers["via"] = $"1.1 {id[..32]}.cloudfront.net (CloudFront)";
        headers["vary"] = "origin";
        headers["set-cookie"] = $"AWSALB={id}; Path=/; HttpOnly";
        headers["access-control-expose-headers"] = "X-Request-Id,X-Inference-Provider";
    }

    /// <summary>What only an answer that took computing carries.</summary>
    public static void ApplyCompute(HttpResponse response, TimeSpan renderTime)
    {
        response.Headers["x-compute-type"] = "gpu+optimized";
        response.Headers["x-compute-time"] = renderTime.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);
        response.Headers["x-inference-id"] = Guid.NewGuid().ToString();
    }
}
