namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

internal enum ParameterType
{
    Number,
    Duration,
    Text,
    Kind,
}
