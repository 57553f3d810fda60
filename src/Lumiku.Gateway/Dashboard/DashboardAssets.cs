using System.Collections.Frozen;
using System.IO.Compression;

namespace Lumiku.Gateway.Dashboard;

/// <summary>The page's scripts, styles and fonts. They are in the assembly, and nothing else is served.</summary>
internal sealed class DashboardAssets(RequestDelegate next)
{
    private static readonly FrozenDictionary<string, Lazy<Asset>> All = typeof(DashboardAssets).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith("ops/", StringComparison.Ordinal))
        .ToFrozenDictionary(name => $"/{name}", name => new Lazy<Asset>(() => Asset.Load(name)), StringComparer.Ordinal);

    /// <summary>A version of all of them, for their addresses: another build's are others.</summary>
    public static readonly string Version = typeof(DashboardAssets).Module.ModuleVersionId.ToString("N")[..12];

    public static bool Has(PathString path) => All.ContainsKey(path.Value ?? "");

    public Task InvokeAsync(HttpContext context)
    {
        if (!All.TryGetValue(context.Request.Path.Value ?? "", out var asset))
        {
            return next(context);
        }

        var (response, request) = (context.Response, context.Request);
        var (content, isCompressed) = asset.Value.For(request.Headers.AcceptEncoding.ToString());
        // Whoever has it had the key; and it is the same for all who have.
        response.Headers.CacheControl = request.Query.ContainsKey("v") || asset.Value.IsFont ? "private, max-age=31536000, immutable" : "no-cache";
        response.Headers.Vary = "Accept-Encoding";
        response.ContentType = asset.Value.MediaType;
        response.ContentLength = content.Length;
        if (isCompressed)
        {
            response.Headers.ContentEncoding = "gzip";
        }

        return HttpMethods.IsHead(request.Method) ? Task.CompletedTask : response.Body.WriteAsync(content, context.RequestAborted).AsTask();
    }

    /// <param name="Compressed">Null: it would not be smaller.</param>
    private sealed record Asset(string MediaType, byte[] Content, byte[]? Compressed)
    {
        private const string Font = "font/woff2";

        public bool IsFont => MediaType == Font;

        public (byte[] Content, bool IsCompressed) For(string acceptEncoding) =>
            Compressed is not null && acceptEncoding.Contains("gzip", StringComparison.OrdinalIgnoreCase) ? (Compressed, true) : (Content, false);

        public static Asset Load(string name)
        {
            using var stream = typeof(DashboardAssets).Assembly.GetManifestResourceStream(name)!;
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            var mediaType = Path.GetExtension(name) switch
            {
                ".js" => "text/javascript; charset=utf-8",
                ".css" => "text/css; charset=utf-8",
                ".svg" => "image/svg+xml",
                _ => Font,
            };
            var content = copy.ToArray();
            return new Asset(mediaType, content, mediaType == Font ? null : Compress(content));
        }

        private static byte[] Compress(byte[] content)
        {
            using var compressed = new MemoryStream();
            using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal))
            {
                gzip.Write(content);
            }

            return compressed.ToArray();
        }
    }
}
