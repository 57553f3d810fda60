namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Answers, or fails to, as one kind does.</summary>
internal delegate Task Play(Exchange exchange, Arguments arguments);
