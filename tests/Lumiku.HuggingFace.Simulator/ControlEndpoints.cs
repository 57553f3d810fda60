using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lumiku.HuggingFace.Simulator;

/// <summary><c>/_simulator/…</c>: what was received, and scripts, for other processes. Never written down as received.</summary>
internal sealed class ControlEndpoints(RequestLog log, Scripts scripts)
{
    private const string Prefix = "/_simulator/";

    public static bool Owns(HttpContext context) =>
        context.Request.Path.Value?.StartsWith(Prefix, StringComparison.Ordinal) is true;

    public async Task AnswerAsync(HttpContext context)
    {
        switch (context.Request.Method, context.Request.Path.Value![Prefix.Length..])
        {
            case ("GET", "received"):
                await WriteAsync(context, new JsonArray([.. log.Snapshot().Select(Describe)]));
                break;
            case ("DELETE", "received"):
                log.Clear();
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case ("POST", "behave"):
                await BehaveAsync(context);
                break;
            case ("DELETE", "behave"):
                scripts.Clear();
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case ("GET", "kinds"):
                await WriteAsync(context, new JsonArray([.. Misbehaviour.Kinds.Select(Describe)]));
                break;
            default:
                await RefuseAsync(context, StatusCodes.Status404NotFound, "There are GET and DELETE received, POST and DELETE behave, GET kinds.");
                break;
        }
    }

    private async Task BehaveAsync(HttpContext context)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            var kind = body.RootElement.Member("kind").Text() ?? throw new FormatException("'kind' must be a text such as \"too-busy\".");
            var behaviour = Misbehaviour.Parse(kind);
            if (body.RootElement.Member("model").Text() is { } model)
            {
                scripts.Behave(model, behaviour);
            }
            else
            {
                scripts.BehaveNext(behaviour);
            }

            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (Exception refusal) when (refusal is FormatException or JsonException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, refusal.Message);
        }
    }

    private static Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return WriteAsync(context, new JsonObject { ["error"] = message });
    }

    private static Task WriteAsync(HttpContext context, JsonNode node)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(node.ToJsonString(Json.AsPythonWrites));
    }

    private static JsonNode Describe(ReceivedRequest request) => new JsonObject
    {
        ["method"] = request.Method,
        ["path"] = request.Path,
        ["call"] = request.Call.ToString().ToLowerInvariant(),
        ["provider"] = request.Provider,
        ["providerModel"] = request.ProviderModel,
        ["model"] = request.Model,
        ["arrivedAt"] = request.ArrivedAt,
        ["headers"] = JsonSerializer.SerializeToNode(request.Headers),
        ["body"] = Convert.ToBase64String(request.Body),
        ["text"] = request.Json.ValueKind == JsonValueKind.Undefined ? null : Encoding.UTF8.GetString(request.Body),
        ["aborted"] = request.Aborted,
    };

    private static JsonNode Describe(MisbehaviourKind kind) => new JsonObject
    {
        ["name"] = kind.Name,
        ["description"] = kind.Description,
        ["example"] = kind.Example,
    };
}
