namespace Lumiku.Gateway.ModelSubstitution;

/// <summary>How a request's <c>parameters</c> become those that the served model takes. Names are matched exactly, as upstream does.</summary>
/// <remarks>
/// Members of an object in <c>inputs</c> are parameters too for upstream's pipelines, and of one in <c>target_size</c>, so all rules but
/// <see cref="Default"/> hold there as well: a cap could be walked around otherwise.
/// </remarks>
internal class ParameterRules
{
    /// <summary>Left out.</summary>
    public IReadOnlyList<string> Remove { get; init; } = [];

    /// <summary>The largest number; a larger one becomes this.</summary>
    public Dictionary<string, decimal> Maximum { get; init; } = [];

    /// <summary>Rounded down to a multiple, at least one: what the pipelines themselves do, or refuse to.</summary>
    public Dictionary<string, decimal> MultipleOf { get; init; } = [];

    /// <summary>Given where the caller gives none, or null, in <c>inputs</c> as well.</summary>
    public Dictionary<string, decimal> Default { get; init; } = [];

    /// <summary>Whether a parameter of this name is left out.</summary>
    public bool Removes(string name) => Remove.Contains(name);
}
