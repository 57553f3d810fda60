namespace Lumiku.Gateway.Dashboard.Pages;

/// <param name="Colour">The name of a variable of the style sheet.</param>
/// <param name="Values">By minutes, the oldest first.</param>
public sealed record ChartSeries(string Id, string Name, string Colour, IReadOnlyList<long> Values);

/// <param name="Minute">The middle of it: below 0, as it is over.</param>
public sealed record ChartPoint(double Minute, double Value);
