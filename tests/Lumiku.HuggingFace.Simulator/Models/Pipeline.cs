namespace Lumiku.HuggingFace.Simulator.Models;

/// <summary>Answers what is wrong with a request, in the pipeline's own words, or null.</summary>
internal delegate string? ParameterCheck(ReceivedRequest request, string pipeline);

/// <summary>A pipeline class and what it refuses.</summary>
/// <param name="Name">The Python class, which its messages quote.</param>
/// <param name="Task">As the Hub tags it.</param>
/// <param name="Checks">In the order in which they are made.</param>
internal sealed record Pipeline(string Name, string Task, params IReadOnlyList<ParameterCheck> Checks)
{
    /// <summary>False: the result is JSON whatever is asked for.</summary>
    public bool MakesPictures { get; init; } = true;

    public string? Refuse(ReceivedRequest request) =>
        Checks.Select(check => check(request, Name)).FirstOrDefault(refusal => refusal is not null);
}
