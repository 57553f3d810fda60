namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>What upstream is paid, for metrics and the log. Bound from <c>Cost</c>.</summary>
internal sealed class CostOptions
{
    /// <summary>A name for it, in metrics. 1 to 8 letters; default <c>USD</c>.</summary>
    public string Currency { get; init; } = "USD";

    /// <summary>What a unit costs, for models without a <c>Price</c> of their own. 0 to 1,000. Null: nothing is known of their cost.</summary>
    public decimal? PerUnit { get; init; }
}
