namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>All kinds, by subject.</summary>
internal static class KindCatalogue
{
    public static IReadOnlyList<MisbehaviourKind> All { get; } =
    [
        .. RequestErrors.Kinds,
        .. AccountErrors.Kinds,
        .. ServerErrors.Kinds,
        .. Sequences.Kinds,
        .. Silence.Kinds,
        .. Cuts.Kinds,
        .. Framing.Kinds,
        .. Protocol.Kinds,
        .. Statuses.Kinds,
        .. Labels.Kinds,
        .. NotPictures.Kinds,
        .. SpoiledPictures.Kinds,
        .. Leaks.Kinds,
        .. Predictions.Kinds,
        .. Outputs.Kinds,
    ];

    private static Dictionary<string, MisbehaviourKind> ByName { get; } = All.ToDictionary(kind => kind.Name, StringComparer.Ordinal);

    /// <exception cref="FormatException">There is none of that name.</exception>
    public static MisbehaviourKind Find(string name) =>
        ByName.TryGetValue(name, out var kind)
            ? kind
            : throw new FormatException($"There is no misbehaviour '{name}'; GET /_simulator/kinds lists them.");

    public static MisbehaviourKind Kind(string name, string description, Play play, params Parameter[] parameters) =>
        new(name, description, parameters, play);

    /// <summary>A kind that answers <c>{"error":"…"}</c>; <c>{model}</c> and <c>{provider}</c> in the text are those asked for, <c>{0}</c> the first argument.</summary>
    public static MisbehaviourKind Error(string name, int status, string error, string description, params Parameter[] parameters) =>
        Kind(
            name,
            $"{status}: {description}.",
            (exchange, arguments) => exchange.AnswerErrorAsync(status, Fill(error, exchange, arguments, parameters.Length)),
            parameters);

    private static string Fill(string text, Exchange exchange, Arguments arguments, int parameters)
    {
        var filled = text
            .Replace("{model}", exchange.Request.Model, StringComparison.Ordinal)
            .Replace("{provider}", exchange.Request.Provider, StringComparison.Ordinal);
        return parameters == 0 ? filled : filled.Replace("{0}", arguments.Text(0), StringComparison.Ordinal);
    }
}
