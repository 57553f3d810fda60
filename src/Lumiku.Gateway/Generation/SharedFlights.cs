using System.Collections.Concurrent;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching;
using static Lumiku.Gateway.Redis.RedisArguments;

namespace Lumiku.Gateway.Generation;

/// <summary>One generation for equal requests across replicas: one of them leads, the others follow.</summary>
/// <remarks>
/// The lead is a key in Redis that lapses after ten seconds unless it is held on; whoever leads does so as long as its flight lasts. Who
/// follows hears the end by a message, and looks twice a second all the same. A lead that lapsed is there to be taken: its replica died. Without
/// Redis each replica leads for itself.
/// </remarks>
internal sealed partial class SharedFlights : IDisposable
{
    private static readonly TimeSpan LeadLifetime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HoldInterval = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>How long those who followed can learn how it ended.</summary>
    private static readonly TimeSpan OutcomeLifetime = TimeSpan.FromMinutes(1);

    /// <summary>In place of how it ended, while its image is on its way.</summary>
    private const string Landing = "landing";

    private static readonly string LeadScript = RedisScript.Of(typeof(SharedFlights), "lead");
    private static readonly string HoldScript = RedisScript.Of(typeof(SharedFlights), "hold");
    private static readonly string CloseScript = RedisScript.Of(typeof(SharedFlights), "close");
    private static readonly string LandScript = RedisScript.Of(typeof(SharedFlights), "land");
    private static readonly string FollowScript = RedisScript.Of(typeof(SharedFlights), "follow");

    private readonly RedisConnection _redis;
    private readonly string _keyPrefix;
    private readonly string _channel;
    private readonly TimeProvider _time;
    private readonly ILogger<SharedFlights> _logger;
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _awaited = [];

    public SharedFlights(RedisConnection redis, string keyPrefix, TimeProvider time, ILogger<SharedFlights> logger)
    {
        (_redis, _keyPrefix, _channel, _time, _logger) = (redis, keyPrefix, $"{keyPrefix}:flights:1", time, logger);
        redis.Listen(_channel, Hear);
    }

    /// <summary>Leads the generation for a key, or follows who does until that is over.</summary>
    /// <param name="waiting">Ends the following.</param>
    /// <returns>Exactly one: the lead, to be landed or disposed; or how the one that was followed ended, with its token.</returns>
    /// <exception cref="OperationCanceledException">The following was ended.</exception>
    public async Task<(FlightLead? Lead, FlightOutcome? Outcome, string? Token)> LeadOrFollowAsync(CacheKey key, CancellationToken waiting)
    {
        var token = $"{Guid.NewGuid():N}";
        try
        {
            while (true)
            {
                waiting.ThrowIfCancellationRequested();
                var reply = await _redis.EvaluateAsync(LeadScript, KeyOf(key), token, Of((long)LeadLifetime.TotalMilliseconds));
                if (reply.Number(0) == 1)
                {
                    return (new FlightLead(this, key, token), null, null);
                }

                var leader = reply.Text(1) ?? "";
                if (await FollowAsync(key, leader, waiting) is { } outcome)
                {
                    return (null, outcome, leader);
                }
            }
        }
        catch (RedisFailedException exception)
        {
            // We may have the lead without knowing, and then it is ours to hold and to give back.
            return (new FlightLead(this, key, exception is RedisUnavailableException { MayBeDone: true } ? token : null), null, null);
        }
    }

    /// <summary>Flights whose end somebody here waits for.</summary>
    public int Followed => _awaited.Count;

    /// <summary>The key under which the image waits for those who followed, where it is not kept for everybody.</summary>
    public static CacheKey ImageOf(CacheKey key, string token) => key.For($"flight {token}");

    public void Dispose() => _redis.Listen(_channel, heard: null);

    /// <returns>Null where it ended without a word: another has to lead.</returns>
    private async Task<FlightOutcome?> FollowAsync(CacheKey key, string leader, CancellationToken waiting)
    {
        var name = $"{key}";
        while (true)
        {
            // Before the look, so that no word is missed between the two.
            var ending = _awaited.GetOrAdd(name, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            try
            {
                var reply = await _redis.EvaluateAsync(FollowScript, KeyOf(key), leader);
                var word = reply.Text(1);
                if (word is not null and not Landing)
                {
                    return FlightOutcome.Parse(word);
                }

                if (word is null && reply.Number(0) == 0)
                {
                    return null;
                }

                await ending.Task.WaitAsync(LookInterval, _time, waiting);
            }
            catch (TimeoutException)
            {
                // A look all the same.
            }
            finally
            {
                _awaited.TryRemove(new KeyValuePair<string, TaskCompletionSource>(name, ending));
            }
        }
    }

    private void Hear(string key)
    {
        if (_awaited.TryRemove(key, out var ending))
        {
            ending.SetResult();
        }
    }

    /// <summary>The braces keep a flight's keys in one slot of a cluster; the 1 is the version of what is written.</summary>
    private string KeyOf(CacheKey key) => $"{_keyPrefix}:flight:1:{{{key}}}";

    /// <summary>The right, and the duty, to have an image made for all replicas.</summary>
    internal sealed class FlightLead : IAsyncDisposable
    {
        private readonly SharedFlights _flights;
        private readonly CacheKey _key;
        private readonly CancellationTokenSource _ended = new();
        private int _isEnded;

        /// <param name="token">Null: Redis is away, and nobody else knows of it.</param>
        public FlightLead(SharedFlights flights, CacheKey key, string? token)
        {
            (_flights, _key, Token) = (flights, key, token);
            if (token is not null)
            {
                // Nothing of the request goes along for so long.
                var ended = _ended.Token;
                using (ExecutionContext.SuppressFlow())
                {
                    _ = Task.Run(() => HoldAsync(ended));
                }
            }
        }

        /// <summary>Null: nobody follows.</summary>
        public string? Token { get; }

        /// <summary>Lets nobody else follow: whoever asks from now on means another image.</summary>
        public async Task CloseAsync()
        {
            if (Token is null)
            {
                return;
            }

            try
            {
                await _flights._redis.EvaluateAsync(CloseScript, _flights.KeyOf(_key), Token, Of((long)LeadLifetime.TotalMilliseconds));
            }
            catch (RedisFailedException)
            {
                // Then somebody may get the same image who meant another.
            }
        }

        /// <summary>Tells those who follow how it ended; what they need has been kept before.</summary>
        public Task LandAsync(FlightOutcome outcome) => EndAsync(outcome.Write());

        /// <summary>Gives the lead up without a result, unless it has landed: another may have it.</summary>
        public async ValueTask DisposeAsync() => await EndAsync("");

        private async Task EndAsync(string outcome)
        {
            if (Interlocked.Exchange(ref _isEnded, 1) == 1)
            {
                return;
            }

            await _ended.CancelAsync();
            _ended.Dispose();
            if (Token is null)
            {
                return;
            }

            if (!await IsToldAsync(outcome))
            {
                _ = RepeatAsync(outcome);
            }
        }

        /// <summary>Until the lead has lapsed: whoever follows waits for it.</summary>
        private async Task RepeatAsync(string outcome)
        {
            for (var left = LeadLifetime; left > TimeSpan.Zero; left -= LookInterval)
            {
                await Task.Delay(LookInterval, _flights._time, CancellationToken.None);
                if (await IsToldAsync(outcome))
                {
                    return;
                }
            }

            Log.NotLanded(_flights._logger);
        }

        private async Task<bool> IsToldAsync(string outcome)
        {
            try
            {
                await _flights._redis.EvaluateAsync(LandScript, _flights.KeyOf(_key), Token!, outcome, Of((long)OutcomeLifetime.TotalMilliseconds), _flights._channel, $"{_key}");
                return true;
            }
            catch (RedisFailedException)
            {
                return false;
            }
        }

        private async Task HoldAsync(CancellationToken ended)
        {
            try
            {
                using var timer = new PeriodicTimer(HoldInterval, _flights._time);
                while (await timer.WaitForNextTickAsync(ended))
                {
                    try
                    {
                        await _flights._redis.EvaluateAsync(HoldScript, _flights.KeyOf(_key), Token!, Of((long)LeadLifetime.TotalMilliseconds));
                    }
                    catch (RedisFailedException)
                    {
                        // Again with the next tick, if it has not lapsed by then.
                    }
                }
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Redis could not be told that a generation ended: replicas that follow it may make the image again")]
        public static partial void NotLanded(ILogger logger);
    }
}
