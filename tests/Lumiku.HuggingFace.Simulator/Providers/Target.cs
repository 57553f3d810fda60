namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>What a path at a provider addresses.</summary>
/// <param name="Kind">What can be done there.</param>
/// <param name="Name">The provider's id of the model, or a job's id.</param>
internal sealed record Target(TargetKind Kind, string Name);
