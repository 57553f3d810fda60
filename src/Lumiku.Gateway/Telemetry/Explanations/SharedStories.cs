using System.Text;
using System.Threading.Channels;
using Lumiku.Gateway.Redis;
using static Lumiku.Gateway.Redis.RedisArguments;

namespace Lumiku.Gateway.Telemetry.Explanations;

/// <summary>Stories in Redis, for all replicas and for a day. Written behind the requests' backs; what cannot be written in time is known to this replica alone.</summary>
internal sealed class SharedStories : IAsyncDisposable
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    /// <summary>Of one story, in bytes.</summary>
    public const int MostBytes = 4096;

    private const int MostWaiting = 4_096;
    private const int BatchSize = 32;
    private const int MostOfOneSender = 4;
    private const int MostSenders = 16;

    /// <summary>So few at once that a write never holds up an image for long.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);

    /// <summary>Nobody waits for a writing, and one that is slow says nothing of Redis.</summary>
    private static readonly TimeSpan WriteBudget = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);
    private static readonly string TellScript = RedisScript.Of(typeof(SharedStories), "tell");
    private static readonly string FindScript = RedisScript.Of(typeof(SharedStories), "find");

    private readonly Channel<RequestStory> _waiting = Channel.CreateBounded<RequestStory>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly RedisConnection _redis;
    private readonly RedisOptions _options;
    private readonly ImagesRoom _room;
    private readonly StoryWriter _writer;
    private readonly StoryAllowance _allowance;
    private readonly Task _writing;

    public SharedStories(RedisConnection redis, RedisOptions options, ImagesRoom room, StoryWriter writer, TimeProvider time)
    {
        (_redis, _options, _room, _writer, _allowance) = (redis, options, room, writer, new StoryAllowance(time));
        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>Returns at once. With too many waiting already, it is not written.</summary>
    public void Tell(RequestStory story) => _waiting.Writer.TryWrite(story);

    /// <param name="reader">Null: the operator, who reads all.</param>
    /// <returns>Nothing where Redis is away.</returns>
    public async Task<IReadOnlyList<StoryBody>> FindAsync(string requestId, string? reader)
    {
        try
        {
            var reply = await _redis.EvaluateAsync(FindScript, KeyOf(requestId), reader is null ? "" : SenderOf(reader));
            return [.. Enumerable.Range(0, reply.Count)
                .SelectMany(i => (reply.Text(i) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
                .Select(StoryJson.Parse).OfType<StoryBody>().Select(story => story with { RequestId = requestId })];
        }
        catch (RedisFailedException)
        {
            return [];
        }
    }

    /// <summary>Writes what waits, if Redis takes it quickly.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await Task.WhenAny(_writing, Task.Delay(LastWords, TimeProvider.System));
    }

    private async Task WriteAllAsync()
    {
        while (await _waiting.Reader.WaitToReadAsync())
        {
            List<RequestStory> batch = [];
            while (batch.Count < BatchSize && _waiting.Reader.TryRead(out var story))
            {
                batch.Add(story);
            }

            try
            {
                // A full server refuses what is more important than stories, so they end where images do.
                if (_redis.IsUp && await _room.HasAsync(KeyOf(batch[0].RequestId)))
                {
                    await Task.WhenAll(batch.Where(_allowance.Takes).Select(WriteAsync));
                }
            }
            catch (Exception exception) when (exception is RedisFailedException or ObjectDisposedException)
            {
                // It is in memory.
            }

            if (!_waiting.Reader.Completion.IsCompleted)
            {
                await Task.Delay(Pace, TimeProvider.System);
            }
        }
    }

    private Task WriteAsync(RequestStory story) => _redis.EvaluateAsync(
        TellScript, KeyOf(story.RequestId), WriteBudget,
        SenderOf(story.Reader), Compact(story), Of((long)Lifetime.TotalMilliseconds), Of(MostOfOneSender), Of(MostSenders));

    /// <summary>Shortened until it fits. Whoever finds it knows the id, and nobody else is to learn it.</summary>
    private string Compact(RequestStory story)
    {
        var text = "";
        foreach (var (attempts, said) in new[] { (12, 200), (6, 100), (3, 0) })
        {
            text = StoryJson.Serialize(_writer.Write(story, attempts, said) with { RequestId = "" });
            if (Encoding.UTF8.GetByteCount(text) <= MostBytes)
            {
                break;
            }
        }

        return text;
    }

    /// <summary>The braces keep it in one slot of a cluster; the 1 is the version of what is written.</summary>
    private string KeyOf(string requestId) => $"{_options.KeyPrefix}:story:1:{{{Hash(requestId)}}}";

    private static string SenderOf(string? reader) => reader is null ? "-" : Hash(reader);

    private static string Hash(string text) => TextDigest.Of(text, digits: 32);
}
