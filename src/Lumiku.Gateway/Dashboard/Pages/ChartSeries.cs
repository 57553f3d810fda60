namespace Lumiku.Gateway.Dashboard.Pages;

/// <param name="Colour">The name of a variable of the style sheet.</param>
/// <param name="Values">By minutes, the oldest first.</param>
public sealed record ChartSeries(string Id, string Name, string Colour, IReadOnlyList<int> Values);

/// <param name="Minute">0: this one; below 0: as many before.</param>
public sealed record ChartPoint(int Minute, double Value);
