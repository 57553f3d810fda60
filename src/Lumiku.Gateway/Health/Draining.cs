using Lumiku.Gateway.Generation;

namespace Lumiku.Gateway.Health;

/// <summary>How the gateway stops: not ready at once, still serving for a grace, then no new connections, then when all is answered or the limit is reached.</summary>
/// <remarks>
/// Load balancers need the grace to notice. A generation takes up to 90 s and is paid for, so the stop waits for it; a platform must
/// wait as long before it kills the process (Docker: <c>stop_grace_period</c>).
/// </remarks>
internal sealed partial class Draining : IHostedLifecycleService, IDisposable
{
    /// <summary>How long new connections are still taken after the signal.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>How long running generations may take from the signal on.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>The host's own limit: ours, and time to write the last answers.</summary>
    public static readonly TimeSpan ShutdownTimeout = Limit + TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _answersDue;
    private readonly RunningGenerations _running;
    private readonly TimeProvider _time;
    private readonly ILogger<Draining> _logger;

    public Draining(RunningGenerations running, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<Draining> logger)
    {
        (_running, _time, _logger) = (running, time, logger);
        _answersDue = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        lifetime.ApplicationStarted.Register(() => IsReady = true);
        lifetime.ApplicationStopping.Register(() =>
        {
            IsDraining = true;
            IsReady = false;
        });
    }

    public bool IsReady { get; private set; }

    public bool IsDraining { get; private set; }

    /// <summary>Ends all waiting at the limit: who still waits is told to ask again rather than cut off.</summary>
    public CancellationToken AnswersDue => _answersDue.Token;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs before the server stops listening.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Log.Stopping(_logger, Grace.TotalSeconds, _running.Count);
        _answersDue.CancelAfter(Limit);
        await Task.Delay(Grace, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs after the server answered everybody; what nobody waits for any more is finished too.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        var left = _running.WhenNoneAsync();
        await Task.WhenAny(left, Task.Delay(Timeout.InfiniteTimeSpan, _time, AnswersDue), Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken));
        if (left.IsCompleted)
        {
            Log.Stopped(_logger);
        }
        else
        {
            Log.GaveUp(_logger, _running.Count);
        }
    }

    public void Dispose() => _answersDue.Dispose();

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Stopping: not ready any more, still taking requests for {GraceSeconds} s; {Running} generations are running")]
        public static partial void Stopping(ILogger logger, double graceSeconds, int running);

        [LoggerMessage(2, LogLevel.Information, "Stopped with nothing left running")]
        public static partial void Stopped(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning, "Stopped while {Running} generations were still running")]
        public static partial void GaveUp(ILogger logger, int running);
    }
}
