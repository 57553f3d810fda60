using Microsoft.Net.Http.Headers;

namespace Lumiku.Gateway.ResponseCaching;

/// <summary>What a caller says of kept images: <c>Cache-Control</c>, and <c>X-Use-Cache</c> of old Hugging Face clients.</summary>
/// <param name="NoCache">A kept image will not do.</param>
/// <param name="NoStore">Nothing kept, nothing shared.</param>
internal readonly record struct CacheDirectives(bool NoCache, bool NoStore)
{
    public const string UseCacheHeader = "X-Use-Cache";

    public static CacheDirectives Of(IHeaderDictionary headers)
    {
        var noStore = headers.TryGetValue(UseCacheHeader, out var useCache)
            && (useCache.ToString().Trim() is "0" || useCache.ToString().Trim().Equals("false", StringComparison.OrdinalIgnoreCase));
        return headers.CacheControl.Count > 0 && CacheControlHeaderValue.TryParse(headers.CacheControl.ToString(), out var control)
            ? new CacheDirectives(control.NoCache, noStore || control.NoStore)
            : new CacheDirectives(NoCache: false, noStore);
    }
}
