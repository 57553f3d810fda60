using System.Collections.Concurrent;
using Polly;
using Polly.CircuitBreaker;

namespace Lumiku.Gateway.Generation;

/// <summary>A breaker for each upstream and model where there is somebody else to ask: while it is open, generations go straight there.</summary>
/// <remarks>A failure is one after which that other is asked. Only listed models have others, so there are as many breakers as that.</remarks>
internal sealed partial class Breakers(TimeProvider time, ILogger<Breakers> logger)
{
    private readonly ConcurrentDictionary<(string Upstream, string Model, BreakerOptions Options), ResiliencePipeline<GenerationResult>> _breakers = [];

    private readonly ConcurrentDictionary<(string Upstream, string Model), bool> _areOpen = [];

    /// <summary>Those that were ever asked; one that is being tried again counts as open.</summary>
    public IEnumerable<(string Upstream, string Model, bool IsOpen)> All => _areOpen.Select(breaker => (breaker.Key.Upstream, breaker.Key.Model, breaker.Value));

    /// <param name="goesOn">Whether another is asked after a failure.</param>
    /// <returns>Null while the breaker is open: nothing was asked.</returns>
    public async ValueTask<GenerationResult?> RunAsync(string upstream, GenerationPlan plan, Func<UpstreamFailure, bool> goesOn, Func<Task<GenerationResult>> make)
    {

        var breaker = _breakers.GetOrAdd((upstream, plan.Model.Id, plan.Settings.Generation.Breaker), Build);
        var context = ResilienceContextPool.Shared.Get(CancellationToken.None);
        context.Properties.Set(GoesOn, goesOn);
        try
        {
            var outcome = await breaker.ExecuteOutcomeAsync(
                static async (_, make) => Outcome.FromResult(await make()), context, make);
            return outcome.Exception is BrokenCircuitException ? null : outcome.Result ?? throw outcome.Exception!;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private static readonly ResiliencePropertyKey<Func<UpstreamFailure, bool>> GoesOn = new("goes on");

    private ResiliencePipeline<GenerationResult> Build((string Upstream, string Model, BreakerOptions Options) key)
    {
        var (upstream, model, options) = key;
        // Also where one with other settings is open: it is asked no more.
        _areOpen[(upstream, model)] = false;
        return new ResiliencePipelineBuilder<GenerationResult> { TimeProvider = time }.AddCircuitBreaker(new CircuitBreakerStrategyOptions<GenerationResult>
        {
            FailureRatio = options.FailureRatio,
            MinimumThroughput = options.MinimumGenerations,
            SamplingDuration = options.Window,
            BreakDuration = options.OpenFor,
            ShouldHandle = static result => new ValueTask<bool>(
                result.Outcome.Result is { Failure: { IsOurs: false } failure } && result.Context.Properties.GetValue(GoesOn, null!)(failure)),
            OnOpened = opened =>
            {
                _areOpen[(upstream, model)] = true;
                Log.Opened(logger, model, upstream, opened.BreakDuration.TotalSeconds);
                return default;
            },
            OnClosed = _ =>
            {
                _areOpen[(upstream, model)] = false;
                Log.Closed(logger, model, upstream);
                return default;
            },
        }).Build();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Model} keeps failing at {Upstream}: another serves for {Seconds} s")]
        public static partial void Opened(ILogger logger, string model, string upstream, double seconds);

        [LoggerMessage(2, LogLevel.Information, "{Model} works again at {Upstream}")]
        public static partial void Closed(ILogger logger, string model, string upstream);
    }
}
