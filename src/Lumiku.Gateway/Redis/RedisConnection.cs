using System.Collections.Concurrent;
using System.Net.Security;
using StackExchange.Redis;

namespace Lumiku.Gateway.Redis;

/// <summary>One Redis, as an aid that may go away: nothing waits for it longer than its budget, and nobody at all once it is known to be away.</summary>
/// <remarks>
/// The client library (1.2.6) never ends a call by itself, keeps a dead socket for a quarter of an hour, and fails once where a script is
/// gone; all of that is dealt with here. A connection is made and mended in the background: after three failures in a row calls fail at once, and
/// each second it is asked whether it is back. One that does not answer for five seconds is replaced.
/// </remarks>
internal sealed partial class RedisConnection : IAsyncDisposable
{
    private const int FailuresToOpen = 3;

    /// <summary>What a server says that cannot serve, in a script's error too.</summary>
    private static readonly string[] Sick =
        ["NOAUTH", "WRONGPASS", "NOPERM", "invalid password", "OOM ", "READONLY", "LOADING", "MASTERDOWN", "MISCONF", "CLUSTERDOWN", "NOREPLICAS", "BUSY ", "TRYAGAIN", "MOVED ", "ASK "];

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ProbeBudget = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReplaceAfter = TimeSpan.FromSeconds(5);

    private readonly RedisUrl _url;
    private readonly string _name;
    private readonly RedisKey _probe;
    private readonly TimeProvider _time;
    private readonly TimeSpan _budget;
    private readonly ILogger<RedisConnection> _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<string, Action<string>> _listeners = [];
    private readonly Task _minding;
    private volatile ConnectionMultiplexer? _multiplexer;
    private volatile bool _isUp;
    private volatile string _problem = "it has not been reached yet";
    private volatile string? _certificateProblem;
    private int _failures;
    private long _outages;
    private long _silentSince;
    private bool _isTold;

    /// <param name="name">What it is for, in a log.</param>
    public RedisConnection(RedisUrl url, string name, RedisOptions options, TimeProvider time, ILogger<RedisConnection> logger)
    {
        (_url, _name, _budget, _time, _logger) = (url, name, options.CallTimeout, time, logger);
        _probe = $"{options.KeyPrefix}:probe:{Environment.MachineName}";
        _minding = Task.Run(MindAsync);
    }

    /// <summary>Raised each time when it is there again, the first time included; by no caller's thread.</summary>
    public event Action? CameUp;

    /// <summary>Calls are tried.</summary>
    public bool IsUp => _isUp;

    /// <summary>How often it went away since the start, not being there at the start included.</summary>
    public long Outages => Interlocked.Read(ref _outages);

    /// <summary>Why not; null while it is up.</summary>
    public string? Problem => _isUp ? null : $"Redis for {_name} at {_url} is away: {_problem}";

    /// <inheritdoc cref="EvaluateAsync(string, string, TimeSpan, string[])"/>
    public Task<RedisReply> EvaluateAsync(string script, string key, params string[] arguments) => EvaluateAsync(script, key, _budget, arguments);

    /// <summary>Evaluates a script; once more where the server has forgotten it.</summary>
    /// <exception cref="RedisUnavailableException">It may have been done all the same.</exception>
    /// <exception cref="RedisScriptException">The script failed; what it wrote before that stays.</exception>
    /// <param name="key">The one that all of the script's keys begin with, hash tag included.</param>
    public async Task<RedisReply> EvaluateAsync(string script, string key, TimeSpan budget, params string[] arguments)
    {
        RedisKey[] keys = [key];
        var values = Array.ConvertAll(arguments, argument => (RedisValue)argument);
        for (var isOnceMore = false; ; isOnceMore = true)
        {
            try
            {
                return new RedisReply(await RunAsync(database => database.ScriptEvaluateAsync(script, keys, values), budget));
            }
            catch (RedisServerException exception) when (isOnceMore)
            {
                throw new RedisUnavailableException(exception.Message, mayBeDone: false, exception);
            }
            catch (RedisServerException)
            {
                // The script was forgotten; it is sent again now.
            }
        }
    }

    /// <summary>Hears what is published on a channel, as long as there is a connection; messages may be lost.</summary>
    /// <param name="heard">Must not wait for anything. Null: it is heard no longer.</param>
    public void Listen(string channel, Action<string>? heard)
    {
        if (heard is null)
        {
            _listeners.TryRemove(channel, out _);
            return;
        }

        _listeners[channel] = heard;
        if (_multiplexer is { } multiplexer)
        {
            _ = SubscribeAsync(multiplexer, channel);
        }
    }

    /// <exception cref="RedisUnavailableException">It may have been published all the same.</exception>
    public Task PublishAsync(string channel, string message, TimeSpan budget) => RunAsync(database => database.PublishAsync(Literal(channel), message), budget);

    /// <returns>Null where there is none.</returns>
    /// <exception cref="RedisUnavailableException">Nothing was read.</exception>
    public async Task<byte[]?> GetAsync(string key, TimeSpan budget) => (byte[]?)await RunAsync(database => database.StringGetAsync(key), budget);

    /// <returns>With the time until it expires, by Redis's clock; null for either where there is none.</returns>
    /// <exception cref="RedisUnavailableException">Nothing was read.</exception>
    public async Task<(byte[]? Value, TimeSpan? Expiry)> GetWithExpiryAsync(string key, TimeSpan budget)
    {
        var found = await RunAsync(database => database.StringGetWithExpiryAsync(key), budget);
        return ((byte[]?)found.Value, found.Expiry);
    }

    /// <exception cref="RedisUnavailableException">It may have been written all the same.</exception>
    public Task SetAsync(string key, byte[] value, TimeSpan lifetime, TimeSpan budget) => RunAsync(database => database.StringSetAsync(key, value, lifetime), budget);

    /// <exception cref="RedisUnavailableException">Some may have been deleted all the same.</exception>
    public Task DeleteAsync(string[] keys, TimeSpan budget) => RunAsync(database => database.KeyDeleteAsync(Array.ConvertAll(keys, key => (RedisKey)key)), budget);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _minding;
        Drop();
        _stopping.Dispose();
    }

    private static RedisChannel Literal(string channel) => new(channel, RedisChannel.PatternMode.Literal);

    /// <exception cref="RedisServerException">Redis forgot a script.</exception>
    private async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, TimeSpan? budget = null)
    {
        if (!_isUp || _multiplexer is not { } multiplexer)
        {
            throw new RedisUnavailableException(Problem ?? "It went away at this very moment.", mayBeDone: false);
        }

        try
        {
            var result = await command(multiplexer.GetDatabase(_url.Database)).WaitAsync(budget ?? _budget);
            Volatile.Write(ref _failures, 0);
            return result;
        }
        catch (RedisServerException exception) when (!IsForgotten(exception) && !Array.Exists(Sick, word => exception.Message.Contains(word, StringComparison.Ordinal)))
        {
            throw new RedisScriptException(exception);
        }
        catch (Exception exception) when (!IsForgotten(exception))
        {
            if (Interlocked.Increment(ref _failures) >= FailuresToOpen)
            {
                GoDown(exception);
            }

            throw new RedisUnavailableException(exception.Message, mayBeDone: true, exception);
        }
    }

    private static bool IsForgotten(Exception exception) => exception is RedisServerException && exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal);

    private async Task MindAsync()
    {
        using var timer = new PeriodicTimer(ProbeInterval);
        try
        {
            do
            {
                if (_isUp)
                {
                    _silentSince = _time.GetTimestamp();
                    continue;
                }

                if (_multiplexer is null)
                {
                    await ConnectAsync();
                    _silentSince = _time.GetTimestamp();
                }

                if (await ProbeAsync())
                {
                    GoUp();
                }
                else if (_time.GetElapsedTime(_silentSince) >= ReplaceAfter)
                {
                    Drop();
                }
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ConnectAsync()
    {
        try
        {
            _certificateProblem = null;
            var options = OptionsOf(_url);
            options.CertificateValidation += (_, _, _, errors) => IsTrusted(errors);
            var multiplexer = await ConnectionMultiplexer.ConnectAsync(options);
            Unorder(multiplexer);
            _multiplexer = multiplexer;
            foreach (var channel in _listeners.Keys)
            {
                await SubscribeAsync(multiplexer, channel);
            }
        }
        catch (Exception exception)
        {
            _problem = Plain(exception);
        }
    }

    private async Task SubscribeAsync(ConnectionMultiplexer multiplexer, string channel)
    {
        try
        {
            await multiplexer.GetSubscriber().SubscribeAsync(
                Literal(channel),
                (_, message) =>
                {
                    if (_listeners.TryGetValue(channel, out var heard))
                    {
                        heard((string?)message ?? "");
                    }
                }).WaitAsync(ReplaceAfter);
        }
        catch (Exception)
        {
            // The library subscribes again with the next connection; nobody depends on messages.
        }
    }

    /// <summary>Something is written: a replica, or a server whose memory is full, is of no use here.</summary>
    private async Task<bool> ProbeAsync()
    {
        if (_multiplexer is not { } multiplexer)
        {
            return false;
        }

        try
        {
            var asked = _time.GetTimestamp();
            await multiplexer.GetDatabase(_url.Database).StringSetAsync(_probe, 1, TimeSpan.FromMinutes(1)).WaitAsync(ProbeBudget);
            _silentSince = _time.GetTimestamp();
            _problem = "it answers slowly";
            // Half the budget, so that one which is slow does not come and go.
            return _time.GetElapsedTime(asked) <= _budget / 2;
        }
        catch (Exception exception)
        {
            // Whatever it is: somebody has to go on looking whether it is back.
            GoDown(exception);
            return false;
        }
    }

    private void GoUp()
    {
        Volatile.Write(ref _failures, 0);
        _isUp = true;
        _isTold = false;
        Log.Up(_logger, _name, _url.ToString());
        CameUp?.Invoke();
    }

    private void GoDown(Exception cause)
    {
        _problem = Plain(cause);
        _isUp = false;
        if (!_isTold)
        {
            _isTold = true;
            Interlocked.Increment(ref _outages);
            Log.Away(_logger, _name, _url.ToString(), _problem);
        }
    }

    private void Drop()
    {
        var multiplexer = _multiplexer;
        _multiplexer = null;
        if (multiplexer is not null)
        {
            // Its closing may wait for a server that does not answer.
            _ = Task.Run(() => multiplexer.Dispose());
        }
    }

    /// <summary>The system's own verdict, remembered: the library does not tell it.</summary>
    private bool IsTrusted(SslPolicyErrors errors)
    {
        _certificateProblem = errors switch
        {
            SslPolicyErrors.None => null,
            _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) => "its certificate is for another host name",
            _ => "its certificate is signed by nobody whom this machine trusts (SSL_CERT_FILE can name a private authority)",
        };
        return errors == SslPolicyErrors.None;
    }

    /// <summary>The library's messages name the command and its key, in lines of statistics: what went wrong is in the first words.</summary>
    private string Plain(Exception exception) => exception switch
    {
        _ when _certificateProblem is { } problem => problem,
        TimeoutException => "it does not answer in time",
        RedisConnectionException => "there is no connection",
        RedisServerException when exception.Message.Contains("NOAUTH", StringComparison.Ordinal) || exception.Message.Contains("WRONGPASS", StringComparison.Ordinal) || exception.Message.Contains("invalid password", StringComparison.Ordinal) => "it refuses the password",
        RedisServerException when exception.Message.Contains("OOM ", StringComparison.Ordinal) => "its memory is full",
        RedisServerException when exception.Message.Contains("READONLY", StringComparison.Ordinal) => "it is a replica, which cannot be written to",
        RedisServerException => exception.Message.Split(' ', 2)[0] is { Length: <= 20 } word ? $"it says {word}" : "it refuses",
        _ => exception.GetType().Name,
    };

    private static ConfigurationOptions OptionsOf(RedisUrl url)
    {
        var options = new ConfigurationOptions
        {
            // Background work is ours: a server that is not there yet is no failure.
            AbortOnConnectFail = false,
            ConnectRetry = 1,
            ConnectTimeout = 2_000,
            SyncTimeout = 1_000,
            KeepAlive = 10,
            Ssl = url.IsTls,
            // Several have a certificate each.
            SslHost = url.IsTls && url.Hosts.Count == 1 ? url.Hosts[0].Host : null,
            ClientName = "lumiku-gateway",
            Password = url.Password?.Reveal(),
        };
        foreach (var (host, port) in url.Hosts)
        {
            options.EndPoints.Add(host, port);
        }

        return options;
    }

    /// <summary>Answers are handed on as they come: in order, one slow continuation would hold up all others, and could hang them.</summary>
    private static void Unorder(ConnectionMultiplexer multiplexer)
    {
#pragma warning disable CS0618 // Obsolete in newer versions, where it is how they are.
        ((IConnectionMultiplexer)multiplexer).PreserveAsyncOrder = false;
#pragma warning restore CS0618
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Redis for {Name} is there, at {Url}")]
        public static partial void Up(ILogger logger, string name, string url);

        [LoggerMessage(2, LogLevel.Warning, "Redis for {Name} at {Url} is away: {Problem}. This replica decides by itself until it is back")]
        public static partial void Away(ILogger logger, string name, string url, string problem);
    }
}
