namespace Lumiku.Gateway.Dashboard;

/// <summary>What the operators' page may show. Bound from <c>Ops</c>.</summary>
internal sealed class OpsOptions
{
    /// <summary>Thumbnails of the pictures that each model made last, as long as they are in memory. They are the users' own, so false by default.</summary>
    public bool ShowImages { get; init; }
}
