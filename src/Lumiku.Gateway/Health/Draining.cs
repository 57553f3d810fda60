using Lumiku.Gateway.Generation;

namespace Lumiku.Gateway.Health;

/// <summary>How the gateway stops: not ready at once, still serving for a grace, then no new connections, then when all is answered or the limit is reached.</summary>
/// <remarks>
/// Load balancers need the grace to notice. A generation takes up to 90 s and is paid for, so the stop waits for it; a platform must
/// wait as long before it kills the process (Docker: <c>stop_grace_period</c>). What is not finished at the limit is ended rather than
/// left to die with the process: its units are given back, and a replica that followed it takes over at once.
/// </remarks>
internal sealed partial class Draining : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _answersDue;
    private readonly CancellationTokenSource _ending = new();
    private readonly ShutdownOptions _options;
    private readonly RunningGenerations _running;
    private readonly TimeProvider _time;
    private readonly ILogger<Draining> _logger;

    public Draining(ShutdownOptions options, RunningGenerations running, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<Draining> logger)
    {
        (_options, _running, _time, _logger) = (options, running, time, logger);
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

    /// <summary>Ends the generations that are not finished at the limit, once those who waited for them have been answered.</summary>
    public CancellationToken Ending => _ending.Token;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs before the server stops listening.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Log.Stopping(_logger, _options.Grace.TotalSeconds, _running.Count);
        _answersDue.CancelAfter(_options.DrainLimit);
        await Task.Delay(_options.Grace, _time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
            return;
        }

        Log.GaveUp(_logger, _running.Count);
        await _ending.CancelAsync();
        await left.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _answersDue.Dispose();
        _ending.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Stopping: not ready any more, still taking requests for {GraceSeconds} s; {Running} generations are running")]
        public static partial void Stopping(ILogger logger, double graceSeconds, int running);

        [LoggerMessage(2, LogLevel.Information, "Stopped with nothing left running")]
        public static partial void Stopped(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning, "The drain limit is reached: {Running} generations that are still running are ended, and their units given back")]
        public static partial void GaveUp(ILogger logger, int running);
    }
}
