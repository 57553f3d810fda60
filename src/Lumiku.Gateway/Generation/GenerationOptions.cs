using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation;

/// <summary>Bound from <c>Generation</c>.</summary>
internal sealed class GenerationOptions
{
    /// <summary>How long a caller waits before 504 <c>still-generating</c>. 1 s to 1 h; default 170 s, below the backend's own 180 s.</summary>
    public TimeSpan WaitLimit { get; init; } = TimeSpan.FromSeconds(170);

    /// <summary>The model's own limit, else the general one.</summary>
    public TimeSpan WaitLimitOf(Model model) => model.Options.WaitLimit ?? WaitLimit;

    /// <summary>How long a generation may take as a whole, its caller gone or not. 1 s to 1 h; default 5 min. Not longer than a cluster's ActivityTimeout.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a failure answers equal requests too. 0 (not at all) to 1 min; default 2 s.</summary>
    public TimeSpan FailureMemory { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a model that is loading or overloaded is waited for before its fallback takes over, where it has one for that. 0 to 1 h; default 20 s.</summary>
    public TimeSpan FallbackAfter { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How many generations of one owner may run that nobody waits for any more; beyond that its next one is refused. 1 to 10,000; default 8.</summary>
    public int AbandonedPerUser { get; init; } = 8;

    /// <summary>When a model's generations go straight to its fallback.</summary>
    public BreakerOptions Breaker { get; init; } = new();

    /// <summary>What upstream's answers mean, before the rules that are built in: the first that fits counts.</summary>
    public IReadOnlyList<FailureRule> FailureRules { get; init; } = [];
}

/// <summary>Bound from <c>Generation:Breaker</c>. Holds for models with a <c>Fallback</c>: a breaker with nowhere to go would only make failures certain.</summary>
internal sealed record BreakerOptions
{
    /// <summary>The share of generations that must fail. Above 0, at most 1; default 0.5.</summary>
    public double FailureRatio { get; init; } = 0.5;

    /// <summary>How many generations must have ended within <see cref="Window"/>. 2 to 10,000; default 4.</summary>
    public int MinimumGenerations { get; init; } = 4;

    /// <summary>1 s to 1 h; default 1 min.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long none asks the model; then one tries. 1 s to 1 h; default 15 s.</summary>
    public TimeSpan OpenFor { get; init; } = TimeSpan.FromSeconds(15);
}
