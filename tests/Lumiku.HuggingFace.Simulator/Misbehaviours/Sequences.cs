using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Kinds that depend on what came before, or wrap another kind.</summary>
internal static class Sequences
{
    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("well", "Behaves well, which is of use where a script for the model says otherwise.", (exchange, _) => exchange.AnswerWellAsync()),
        Kind(
            "loading-times",
            "503: loading, as often as the first number says, with the seconds that the second says; then behaves well.",
            (exchange, arguments) => arguments.Played < arguments.Number(0)
                ? ServerErrors.AnswerLoadingAsync(exchange, StatusCodes.Status503ServiceUnavailable, arguments.Number(1))
                : exchange.AnswerWellAsync(),
            Parameter.Number("2"),
            Parameter.Number("1")),
        Kind(
            "times",
            "Another kind, as often as the number says; then behaves well.",
            (exchange, arguments) => arguments.Played < arguments.Number(0) ? PlayOther(exchange, arguments) : exchange.AnswerWellAsync(),
            Parameter.Number("2"),
            Parameter.Kind("too-busy")),
        Kind(
            "every",
            "Another kind at every n-th request, the n-th first; behaves well at the others.",
            (exchange, arguments) => (arguments.Played + 1) % Math.Max(1, arguments.Number(0)) == 0
                ? PlayOther(exchange, arguments)
                : exchange.AnswerWellAsync(),
            Parameter.Number("3"),
            Parameter.Kind("too-busy")),
        Kind(
            "after",
            "Another kind, once the time has passed.",
            async (exchange, arguments) =>
            {
                await exchange.WaitAsync(arguments.Duration(0));
                await PlayOther(exchange, arguments);
            },
            Parameter.Duration("1s"),
            Parameter.Kind("too-busy")),
    ];

    private static Task PlayOther(Exchange exchange, Arguments arguments) =>
        arguments.Kind(1).PlayAsync(exchange, arguments.Played);
}
