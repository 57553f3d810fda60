using System.Text.RegularExpressions;

namespace Lumiku.Gateway;

/// <summary>What a path below <c>/models</c> names: a model id, and the task of an old client's <c>/pipeline/{task}</c>.</summary>
/// <param name="ModelId">As the caller wrote it.</param>
/// <param name="Task">Null in nearly all requests.</param>
internal sealed partial record ModelPath(string ModelId, string? Task)
{
    /// <summary>A segment of an id. Ends in <c>\z</c>: <c>$</c> would let a line feed through.</summary>
    private const string Segment = @"[A-Za-z0-9][A-Za-z0-9._-]{0,95}";

    private const string Pipeline = "/pipeline/";

    private static readonly PathString Root = "/models";

    /// <summary>The path upstream for this model, whatever the caller's spelling was.</summary>
    public static string For(string modelId, string? task) => task is null ? $"/models/{modelId}" : $"/models/{modelId}/pipeline/{task}";

    /// <summary>Whether a path is one of ours, well-formed or not.</summary>
    public static bool IsBelowModels(PathString path) => path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase);

    /// <param name="path">Decoded, dot segments collapsed by the server; an encoded slash is still <c>%2F</c> and matches nothing.</param>
    /// <returns>Null where it names no model.</returns>
    public static ModelPath? Parse(PathString path)
    {
        path.StartsWithSegments(Root, StringComparison.OrdinalIgnoreCase, out var rest);
        if (!Grammar().IsMatch(rest.Value ?? ""))
        {
            return null;
        }

        // Which of the path is what, without the objects that a match with groups is made of.
        var named = rest.Value.AsSpan(1).TrimEnd('/');
        var task = named.LastIndexOf(Pipeline, StringComparison.OrdinalIgnoreCase);
        return task < 0 ? new ModelPath(named.ToString(), Task: null) : new ModelPath(named[..task].ToString(), named[(task + Pipeline.Length)..].ToString());
    }

    public static bool IsModelId(string text) => IdGrammar().IsMatch(text);

    [GeneratedRegex($@"\A/{Segment}(/{Segment})??(/[Pp][Ii][Pp][Ee][Ll][Ii][Nn][Ee]/[A-Za-z0-9][A-Za-z0-9-]{{0,63}})?/?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Grammar();

    [GeneratedRegex($@"\A{Segment}(/{Segment})?\z", RegexOptions.CultureInvariant)]
    private static partial Regex IdGrammar();
}
