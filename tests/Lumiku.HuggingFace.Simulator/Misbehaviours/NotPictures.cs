using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Pictures;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Status 200 with something that is no picture.</summary>
internal static class NotPictures
{
    private const string Page = "<!DOCTYPE html>\n<html><body><h1>Sign in</h1></body></html>\n";

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("html-200", "200: a page, labelled so.", (exchange, _) => exchange.AnswerAsync(200, "text/html; charset=utf-8", Page)),
        Kind("html-as-png", "200: a page, labelled image/png.", (exchange, _) => exchange.AnswerAsync(200, Picture.Png, Page)),
        Kind("json-200", "200: an error as JSON.", (exchange, _) => exchange.AnswerErrorAsync(200, "Model too busy, unable to get response in less than 60 second(s)")),
        Kind("json-as-png", "200: an error as JSON, labelled image/png.", (exchange, _) => exchange.AnswerAsync(200, Picture.Png, """{"error":"unknown error"}""")),
        Kind("base64-json-200", "200: a good picture as a JSON string in base64.", AnswerBase64Async),
        Kind("empty-200", "200: no bytes and no Content-Type.", (exchange, _) => exchange.AnswerAsync(200, null, "")),
        Kind("empty-200-png", "200: no bytes, labelled image/png.", (exchange, _) => exchange.AnswerAsync(200, Picture.Png, "")),
    ];

    private static async Task AnswerBase64Async(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync(Picture.Png);
        await exchange.AnswerJsonAsync(StatusCodes.Status200OK, JsonValue.Create(picture.AsBase64()));
    }
}
