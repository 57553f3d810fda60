namespace Lumiku.Gateway.ResponseCaching;

/// <summary>What a caller says of kept images: <c>Cache-Control</c>, and <c>X-Use-Cache</c> of old Hugging Face clients.</summary>
/// <param name="NoCache">A kept image will not do.</param>
/// <param name="NoStore">Nothing kept, nothing shared.</param>
internal readonly record struct CacheDirectives(bool NoCache, bool NoStore)
{
    public const string UseCacheHeader = "X-Use-Cache";

    /// <remarks>Each directive counts by itself: one that is malformed must not hide that nothing is to be kept.</remarks>
    public static CacheDirectives Of(IHeaderDictionary headers)
    {
        var noStore = headers.TryGetValue(UseCacheHeader, out var useCache)
            && (useCache.ToString().Trim() is "0" || useCache.ToString().Trim().Equals("false", StringComparison.OrdinalIgnoreCase));
        var noCache = false;
        foreach (var line in headers.CacheControl)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var directive = line.AsSpan(range).Trim();
                noStore |= directive.Equals("no-store", StringComparison.OrdinalIgnoreCase);
                noCache |= directive.Equals("no-cache", StringComparison.OrdinalIgnoreCase);
            }
        }

        return new CacheDirectives(noCache, noStore);
    }
}
