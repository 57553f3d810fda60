using Lumiku.HuggingFace.Simulator.Pictures;
using Lumiku.HuggingFace.Simulator.Providers;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.Predictions;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Successes of a provider whose pictures are not as they should be. hf-inference behaves well.</summary>
internal static class Outputs
{
    private const string MetadataService = "http://169.254.169.254/latest/meta-data";

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Follow("null-output", "Other providers: success with null where the pictures should be.", _ => new Course { HasNullOutput = true }),
        Follow("empty-output", "Other providers: success with an empty list of pictures.", _ => new Course { Count = 0 }),
        Follow("several-outputs", "Other providers: that many pictures.", arguments => new Course { Count = arguments.Number(0) }, Parameter.Number("3")),
        Follow("broken-base64", "Other providers: a text that is neither base64 nor an address.", _ => new Course { Output = "%%% this is no picture %%%" }),
        Follow(
            "output-url",
            "Other providers: that text where the picture's address, or its base64, should be.",
            arguments => new Course { Output = arguments.Text(0) },
            Parameter.Text(MetadataService)),
        Follow("data-url", "Providers that give addresses: a good picture as a data: URL.", _ => new Course { UsesDataUrls = true }),
        Follow(
            "wrong-format",
            "Other providers: a good picture of that type, labelled so, whatever was asked for.",
            arguments => new Course { Type = arguments.Text(0) },
            Parameter.Text(Picture.Jpeg)),
        Follow("half-picture", "Other providers: the first half of the picture as if it were all of it.", _ => new Course { Kept = length => length / 2 }),
        Download(
            "expired-url",
            "At the picture's address: that status, 403 or 404, with an object store's XML.",
            (exchange, arguments) => FileShop.AnswerGoneAsync(exchange, arguments.Number(0)),
            Parameter.Number("403")),
        Download(
            "download-redirect",
            "At the picture's address: 302 to that other address.",
            RedirectAsync,
            Parameter.Text(MetadataService)),
        Download(
            "at-download",
            "At the picture's address: another kind.",
            (exchange, arguments) => arguments.Kind(0).PlayAsync(exchange, played: 0),
            Parameter.Kind("cut-with-length(1000)")),
    ];

    private static MisbehaviourKind Download(string name, string description, Func<Exchange, Arguments, Task> answer, params Parameter[] parameters) => Follow(
        name,
        description,
        arguments => new Course { Download = exchange => answer(exchange, arguments) },
        parameters);

    private static Task RedirectAsync(Exchange exchange, Arguments arguments)
    {
        exchange.Context.Response.Headers.Location = arguments.Text(0);
        return exchange.AnswerAsync(StatusCodes.Status302Found, null, "");
    }
}
