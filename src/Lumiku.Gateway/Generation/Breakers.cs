using System.Collections.Concurrent;
using Polly;
using Polly.CircuitBreaker;

namespace Lumiku.Gateway.Generation;

/// <summary>A breaker for each upstream and model with a fallback: while it is open, generations go straight to the fallback.</summary>
/// <remarks>A failure is one that the fallback would be asked for. Only listed models have fallbacks, so there are as many breakers as that.</remarks>
internal sealed partial class Breakers(TimeProvider time, ILogger<Breakers> logger)
{
    private readonly ConcurrentDictionary<(string Upstream, string Model, BreakerOptions Options), ResiliencePipeline<GenerationResult>> _breakers = [];

    private readonly ConcurrentDictionary<string, bool> _areOpen = [];

    /// <summary>Those that were ever asked, by model; one that is being tried again counts as open.</summary>
    public IEnumerable<(string Model, bool IsOpen)> All => _areOpen.Select(breaker => (breaker.Key, breaker.Value));

    /// <returns>Null while the breaker is open: nothing was asked.</returns>
    public async ValueTask<GenerationResult?> RunAsync(string upstream, GenerationPlan plan, Func<Task<GenerationResult>> make)
    {
        if (plan.Fallback is null)
        {
            return await make();
        }

        var breaker = _breakers.GetOrAdd((upstream, plan.Model.Id, plan.Settings.Generation.Breaker), Build);
        var context = ResilienceContextPool.Shared.Get(CancellationToken.None);
        context.Properties.Set(Plan, plan);
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

    private static readonly ResiliencePropertyKey<GenerationPlan> Plan = new("plan");

    private ResiliencePipeline<GenerationResult> Build((string Upstream, string Model, BreakerOptions Options) key)
    {
        var (upstream, model, options) = key;
        _areOpen.TryAdd(model, false);
        return new ResiliencePipelineBuilder<GenerationResult> { TimeProvider = time }.AddCircuitBreaker(new CircuitBreakerStrategyOptions<GenerationResult>
        {
            FailureRatio = options.FailureRatio,
            MinimumThroughput = options.MinimumGenerations,
            SamplingDuration = options.Window,
            BreakDuration = options.OpenFor,
            ShouldHandle = static result => new ValueTask<bool>(
                result.Outcome.Result is { Failure: { } failure } && result.Context.Properties.GetValue(Plan, null!).FallsBackOn(failure.Class)),
            OnOpened = opened =>
            {
                _areOpen[model] = true;
                Log.Opened(logger, model, upstream, opened.BreakDuration.TotalSeconds);
                return default;
            },
            OnClosed = _ =>
            {
                _areOpen[model] = false;
                Log.Closed(logger, model, upstream);
                return default;
            },
        }).Build();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Model} keeps failing at {Upstream}: its fallback serves for {Seconds} s")]
        public static partial void Opened(ILogger logger, string model, string upstream, double seconds);

        [LoggerMessage(2, LogLevel.Information, "{Model} works again at {Upstream}")]
        public static partial void Closed(ILogger logger, string model, string upstream);
    }
}
