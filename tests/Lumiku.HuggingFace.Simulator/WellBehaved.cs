using System.Text.Json;
using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Models;
using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator;

/// <summary>What Hugging Face answers when nothing is wrong with Hugging Face.</summary>
internal static class WellBehaved
{
    public static async Task AnswerAsync(Exchange exchange)
    {
        var request = exchange.Request;
        if (request.Method is not ("POST" or "GET" or "HEAD"))
        {
            exchange.Context.Response.Headers.Allow = "GET, HEAD, POST";
            await exchange.AnswerErrorAsync(StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");
        }
        else if (RefusalOfToken(exchange) is { } unauthorized)
        {
            await exchange.AnswerErrorAsync(StatusCodes.Status401Unauthorized, unauthorized);
        }
        else if (ModelCatalogue.Find(request.Model) is not { } model)
        {
            await exchange.AnswerNotFoundAsync();
        }
        else if (request.Method is not "POST")
        {
            await exchange.AnswerJsonAsync(
                StatusCodes.Status200OK,
                new JsonObject { ["id"] = model.Id, ["pipeline_tag"] = model.Pipeline.Task, ["inference"] = "warm" });
        }
        else if (Refusal(request, model) is { } refusal)
        {
            await exchange.AnswerErrorAsync(StatusCodes.Status400BadRequest, refusal);
        }
        else
        {
            await AnswerResultAsync(exchange, model);
        }
    }

    public static string? RefusalOfToken(Exchange exchange) => exchange.Token switch
    {
        "" => "Invalid username or password.",
        var token when token.StartsWith("hf_", StringComparison.Ordinal) => null,
        _ => "Invalid credentials in Authorization header",
    };

    private static string? Refusal(ReceivedRequest request, Model model)
    {
        var contentType = request.Header("Content-Type");
        if (!AcceptTable.AcceptsContent(contentType))
        {
            return AcceptTable.RefusalOfContent(contentType ?? "None");
        }

        return RefusalOfBody(request, contentType) ?? model.Pipeline.Refuse(request) ?? RefusalOfAccept(request, model);
    }

    private static string? RefusalOfBody(ReceivedRequest request, string? contentType)
    {
        if (!AcceptTable.IsJson(contentType))
        {
            return null; // The bytes themselves are the inputs.
        }

        if (request.Json.ValueKind == JsonValueKind.Undefined)
        {
            return "unexpected character: line 1 column 1 (char 0)";
        }

        return request.Json.Member("inputs").ValueKind == JsonValueKind.Undefined
            ? $"Body needs to provide a inputs key, recieved: {request.Json.GetRawText()}"
            : null;
    }

    private static string? RefusalOfAccept(ReceivedRequest request, Model model)
    {
        var accept = request.Header("Accept");
        if (!AcceptTable.Accepts(accept))
        {
            return AcceptTable.RefusalOf(accept!);
        }

        if (AcceptTable.IsOpen(accept) || AcceptTable.IsJson(accept))
        {
            return null;
        }

        if (!model.Pipeline.MakesPictures)
        {
            return "'list' object has no attribute 'save'";
        }

        // In the table, but no format that can be painted: the toolkit reports the key that it missed.
        return AcceptTable.PictureTypeOf(accept) is null ? $"'{accept!.Split('/')[1].ToUpperInvariant()}'" : null;
    }

    private static async Task AnswerResultAsync(Exchange exchange, Model model)
    {
        if (!model.Pipeline.MakesPictures)
        {
            var mask = await exchange.RenderAsync(Picture.Png);
            EdgeHeaders.ApplyCompute(exchange.Context.Response, exchange.Options.Delay);
            await exchange.AnswerJsonAsync(StatusCodes.Status200OK, Segments(mask));
        }
        else if (AcceptTable.IsJson(exchange.Request.Header("Accept")))
        {
            var picture = await exchange.RenderAsync(Picture.Png);
            EdgeHeaders.ApplyCompute(exchange.Context.Response, exchange.Options.Delay);
            await exchange.AnswerJsonAsync(StatusCodes.Status200OK, JsonValue.Create(picture.AsBase64()));
        }
        else
        {
            await exchange.AnswerPictureAsync(await exchange.RenderAsync());
        }
    }

    private static JsonArray Segments(Picture mask) =>
        [new JsonObject { ["score"] = 1.0, ["label"] = "foreground", ["mask"] = mask.AsBase64() }];
}
