using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Providers;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Trouble between a provider's taking of a request and its result. hf-inference, which has no such time, behaves well.</summary>
internal static class Predictions
{
    private const string OutOfMemory = "CUDA out of memory. Tried to allocate 20.00 MiB";
    private const string Nsfw = "NSFW content detected. Try running it again or try a different prompt.";

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Follow(
            "cold-prediction",
            "Providers that are polled: the wait ends at once with nothing begun, and so do that many polls; then behaves well.",
            arguments => new Course { WaitingPolls = arguments.Number(0) },
            Parameter.Number("2")),
        Follow(
            "queued-prediction",
            "Providers that are polled: that many polls find it in the queue, as many as the second number find it under way; then behaves well.",
            arguments => new Course { WaitingPolls = arguments.Number(0), WorkingPolls = arguments.Number(1) },
            Parameter.Number("2"),
            Parameter.Number("1")),
        Follow(
            "failed-prediction",
            "Taken, then failed for that reason, told as each provider tells failures.",
            arguments => new Course { Error = arguments.Text(0) },
            Parameter.Text(OutOfMemory)),
        Follow(
            "nsfw-prediction",
            "Taken, then refused by the safety checker: fal-ai gives a black picture and says so, the others fail.",
            _ => new Course { Error = Nsfw, IsNsfw = true }),
        Follow("cancelled-prediction", "Taken, then cancelled by the provider.", _ => new Course { IsCancelled = true }),
        Follow("endless-prediction", "Taken, then never done.", _ => new Course { NeverEnds = true }),
        Follow(
            "failing-polls",
            "Providers that are polled: that many polls fail with that status; then behaves well.",
            arguments => FailPolls(arguments, exchange => exchange.AnswerErrorAsync(arguments.Number(1), "The service is not available at the moment.")),
            Parameter.Number("2"),
            Parameter.Number("500")),
        Follow(
            "at-polls",
            "Providers that are polled: another kind at that many polls; then behaves well.",
            arguments => FailPolls(arguments, exchange => arguments.Kind(1).PlayAsync(exchange, played: 0)),
            Parameter.Number("2"),
            Parameter.Kind("reset-before-headers")),
        Follow(
            "enveloped-polls",
            "Providers that are polled: that many polls fail with that status in the JSON's `code` alone, as wavespeed tells it, HTTP's being 200; then behaves well.",
            arguments => FailPolls(arguments, exchange => exchange.AnswerJsonAsync(
                StatusCodes.Status200OK, new JsonObject { ["code"] = arguments.Number(1), ["message"] = "The service is not available at the moment." })),
            Parameter.Number("2"),
            Parameter.Number("503")),
        Follow(
            "malformed-polls",
            "Providers that are polled: the first half of the JSON of each poll's answer.",
            _ => new Course { WaitingPolls = 1, SpoilsPolls = true }),
        Follow("malformed-answer", "Other providers: the first half of the answer's JSON.", _ => new Course { SpoilsAnswer = true }),
        Follow(
            "poll-url",
            "Providers that are polled: that address to poll, in place of the provider's own.",
            arguments => new Course { WaitingPolls = 1, PollUrl = arguments.Text(0) },
            Parameter.Text("http://169.254.169.254/latest/meta-data")),
    ];

    private static Course FailPolls(Arguments arguments, Func<Exchange, Task> fail) =>
        new() { WaitingPolls = 1, FailingPolls = arguments.Number(0), FailPoll = fail };

    internal static MisbehaviourKind Follow(string name, string description, Func<Arguments, Course> course, params Parameter[] parameters) =>
        Kind(name, description, (exchange, arguments) => exchange.FollowAsync(course(arguments)), parameters);
}
