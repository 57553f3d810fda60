using System.Text.Json.Nodes;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Answers that hold what must not get out, the gateway's own token first of all.</summary>
internal static class Leaks
{
    private const string EchoPrefix = "x-echo-";

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("set-cookies", "A good picture that sets three cookies, the token among them.", SetCookiesAsync),
        Kind("echo-headers", "A good picture with every header of the request, Authorization too, as x-echo-….", EchoHeadersAsync),
        Kind("echo-in-error", "400: an error whose text holds every header of the request, also sent as x-echo-….", EchoInErrorAsync),
        Kind("echo-in-html-500", "500: a page that shows every header of the request.", EchoInPageAsync),
    ];

    private static async Task SetCookiesAsync(Exchange exchange, Arguments arguments)
    {
        exchange.Context.Response.Headers.SetCookie = new(
            [$"token={Printable(exchange.Token)}; Path=/", "session=abc123; Path=/; HttpOnly", "tracking=1; Domain=huggingface.co"]);
        await exchange.AnswerPictureAsync(await exchange.RenderAsync());
    }

    private static async Task EchoHeadersAsync(Exchange exchange, Arguments arguments)
    {
        Echo(exchange);
        await exchange.AnswerPictureAsync(await exchange.RenderAsync());
    }

    private static Task EchoInErrorAsync(Exchange exchange, Arguments arguments)
    {
        Echo(exchange);
        var headers = new JsonObject(exchange.Request.Headers.Select(
            header => KeyValuePair.Create<string, JsonNode?>(header.Key, string.Join(", ", header.Value))));
        return exchange.AnswerJsonAsync(
            StatusCodes.Status400BadRequest,
            new JsonObject { ["error"] = $"Cannot serve a request with headers {AsText(exchange)}", ["headers"] = headers });
    }

    private static Task EchoInPageAsync(Exchange exchange, Arguments arguments) => exchange.AnswerAsync(
        StatusCodes.Status500InternalServerError,
        "text/html; charset=utf-8",
        $"<html><body><h1>Internal Server Error</h1><pre>{AsText(exchange)}</pre></body></html>");

    private static void Echo(Exchange exchange)
    {
        foreach (var (name, values) in exchange.Request.Headers)
        {
            exchange.Context.Response.Headers[EchoPrefix + name.ToLowerInvariant()] = Printable(string.Join(", ", values));
        }
    }

    private static string AsText(Exchange exchange) =>
        string.Join("; ", exchange.Request.Headers.Select(header => $"{header.Key}: {string.Join(", ", header.Value)}"));

    private static string Printable(string value) => new([.. value.Select(letter => letter is >= ' ' and <= '~' ? letter : '?')]);
}
