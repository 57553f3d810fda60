namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>What a path at a provider addresses.</summary>
/// <param name="Kind">What can be done there.</param>
/// <param name="Name">The provider's id of the model, or a job's id.</param>
internal sealed record Target(TargetKind Kind, string Name)
{
    /// <summary>What the status of a job is polled with, as opposed to what ends the work on it.</summary>
    public bool IsPoll => Kind is TargetKind.Status or TargetKind.Result;
}
