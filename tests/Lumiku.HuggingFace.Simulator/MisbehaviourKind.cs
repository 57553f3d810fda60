using Lumiku.HuggingFace.Simulator.Misbehaviours;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>A named way to misbehave.</summary>
public sealed class MisbehaviourKind
{
    internal MisbehaviourKind(string name, string description, IReadOnlyList<Parameter> parameters, Play play)
    {
        Name = name;
        Description = description;
        Parameters = parameters;
        Play = play;
    }

    /// <summary>Kebab-case.</summary>
    public string Name { get; }

    /// <summary>One sentence.</summary>
    public string Description { get; }

    /// <summary>With the values that arguments have when they are left out.</summary>
    public string Example => Parameters.Count == 0 ? Name : $"{Name}({string.Join(',', Parameters.Select(parameter => parameter.Default))})";

    internal IReadOnlyList<Parameter> Parameters { get; }

    internal Play Play { get; }
}
