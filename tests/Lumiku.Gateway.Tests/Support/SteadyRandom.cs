namespace Lumiku.Gateway.Tests.Support;

/// <summary>Chance that always falls out the same: 0 is the least of a spread, 0.5 its middle, 1 its most.</summary>
public sealed class SteadyRandom(double value) : Random
{
    public override double NextDouble() => value;
}
