using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

using Microsoft.AspNetCore.WebUtilities;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Statuses that an image route should not see.</summary>
internal static class Statuses
{
    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Kind("status", "That status, existing or not: with the picture below 300, with an error above.", AnswerStatusAsync, Parameter.Number("999")),
        Kind("accepted-202", "202: a queue's ticket as JSON.", AnswerAcceptedAsync),
        Kind("no-content-204", "204: nothing, as success.", (exchange, _) => exchange.AnswerAsync(204, null, "")),
        Kind("body-on-204", "204: with a body, which no 204 may have.", AnswerBodyOn204Async),
        Kind("partial-206", "206: the first half of the picture as a range that nobody asked for.", AnswerPartAsync),
        Kind("redirect-302", "302: elsewhere, with the token that was received in the address.", (exchange, _) => RedirectAsync(exchange, 302)),
        Kind("redirect-307", "307: the same, to be repeated with method and body.", (exchange, _) => RedirectAsync(exchange, 307)),
        Kind("not-modified-304", "304: though nothing was conditional.", (exchange, _) => exchange.AnswerAsync(304, null, "")),
    ];

    /// <remarks>By hand beyond what a server would send; the connection then ends with the answer.</remarks>
    private static async Task AnswerStatusAsync(Exchange exchange, Arguments arguments)
    {
        var status = arguments.Number(0);
        var reason = ReasonPhrases.GetReasonPhrase(status);
        if (reason.Length > 0 && status >= StatusCodes.Status300MultipleChoices)
        {
            await exchange.AnswerErrorAsync(status, $"{status} {reason}");
            return;
        }

        var (type, body) = ("application/json", Encoding.UTF8.GetBytes($$"""{"error":"status {{status}}"}"""));
        if (status < StatusCodes.Status300MultipleChoices)
        {
            var picture = await exchange.RenderAsync();
            (type, body) = (picture.Type, picture.Bytes);
        }

        var wire = new Wire(exchange);
        await wire.SendHeadAsync(
            string.Create(CultureInfo.InvariantCulture, $"{status:000} {reason}"),
            $"Content-Type: {type}",
            $"Content-Length: {body.Length}",
            "Connection: close");
        await wire.SendAsync(body);
        await wire.FinishAsync();
    }

    private static Task AnswerAcceptedAsync(Exchange exchange, Arguments arguments) => exchange.AnswerJsonAsync(
        StatusCodes.Status202Accepted,
        new JsonObject { ["status"] = "IN_QUEUE", ["request_id"] = Guid.NewGuid().ToString(), ["queue_position"] = 3 });

    private static async Task AnswerBodyOn204Async(Exchange exchange, Arguments arguments)
    {
        var wire = new Wire(exchange);
        await wire.SendHeadAsync("204 No Content", "Content-Type: text/plain", "Content-Length: 8");
        await wire.SendAsync("nothing!");
        await wire.HoldAsync();
    }

    private static async Task AnswerPartAsync(Exchange exchange, Arguments arguments)
    {
        var picture = await exchange.RenderAsync();
        var half = picture.Bytes.Length / 2;
        exchange.Context.Response.Headers.ContentRange = $"bytes 0-{half - 1}/{picture.Bytes.Length}";
        await exchange.AnswerAsync(StatusCodes.Status206PartialContent, picture.Type, picture.Bytes.AsMemory(0, half));
    }

    /// <summary>Back to this simulator, to a path that is nobody's: a client that follows is found in what was received.</summary>
    private static Task RedirectAsync(Exchange exchange, int status)
    {
        var host = exchange.Context.Request.Host;
        exchange.Context.Response.Headers.Location = $"http://{host}/redirected?token={Uri.EscapeDataString(exchange.Token)}";
        return exchange.AnswerAsync(status, null, "");
    }
}
