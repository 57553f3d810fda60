namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary>Which images answered the last requests here, made for them or not: what a purge by a request's id looks into.</summary>
internal sealed class AnsweredRequests
{
    private const int Most = 10_000;

    private readonly Answered?[] _ring = new Answered?[Most];
    private uint _next;

    /// <summary>Callers choose their ids, so several requests may have the same.</summary>
    public void Add(string requestId, string etag) => Volatile.Write(ref _ring[Interlocked.Increment(ref _next) % Most], new Answered(requestId, etag));

    public IReadOnlyCollection<string> ETagsOf(PurgeMark request) =>
        _ring.OfType<Answered>().Where(answered => PurgeMark.OfRequest(answered.RequestId) == request).Select(answered => answered.ETag).ToHashSet();

    private sealed record Answered(string RequestId, string ETag);
}
