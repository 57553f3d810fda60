namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <param name="Type">How the argument is read.</param>
/// <param name="Default">The value when it is left out.</param>
internal sealed record Parameter(ParameterType Type, string Default)
{
    public static Parameter Number(string fallback) => new(ParameterType.Number, fallback);

    public static Parameter Duration(string fallback) => new(ParameterType.Duration, fallback);

    public static Parameter Text(string fallback) => new(ParameterType.Text, fallback);

    public static Parameter Kind(string fallback) => new(ParameterType.Kind, fallback);
}
