namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>The stories of the last requests here: 10,000 of callers, and 1,000 of strangers, who so cannot push those out.</summary>
internal sealed class RecentStories
{
    public const int Most = 10_000;

    private const int MostOfStrangers = 1_000;

    private readonly RequestStory?[] _ofCallers = new RequestStory?[Most];
    private readonly RequestStory?[] _ofStrangers = new RequestStory?[MostOfStrangers];
    private uint _next;
    private uint _nextOfStrangers;

    /// <summary>In no order.</summary>
    public IEnumerable<RequestStory> All => _ofCallers.Concat(_ofStrangers).OfType<RequestStory>();

    public void Add(RequestStory story)
    {
        if (story.Reader is not null)
        {
            Volatile.Write(ref _ofCallers[Interlocked.Increment(ref _next) % Most], story);
        }
        else
        {
            Volatile.Write(ref _ofStrangers[Interlocked.Increment(ref _nextOfStrangers) % MostOfStrangers], story);
        }
    }

    /// <param name="reader">Null: the operator, who reads all.</param>
    public IEnumerable<RequestStory> Find(string requestId, string? reader) =>
        All.Where(story => story.RequestId == requestId && (reader is null || story.Reader == reader));
}
