using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>The shape of OpenAI's image API, which nscale and together share: one call, and the pictures are in its answer.</summary>
internal abstract class OpenAiImages(string provider) : Dialect(provider)
{
    private const string Path = "v1/images/generations";

    public override Target? Find(string path, JsonElement body) =>
        path == Path ? new Target(TargetKind.Submit, body.Member("model").Text() ?? "") : null;

    public override async Task<Answer> SubmitAsync(Exchange exchange, Job job, Works works)
    {
        if (job.Refusal is { } refusal)
        {
            return refusal;
        }

        await exchange.WaitForAsync(job);
        if (job.Course.Error is { } error)
        {
            return job.Course.IsNsfw
                ? Error(StatusCodes.Status422UnprocessableEntity, error, "invalid_request_error", "prompt")
                : Error(StatusCodes.Status500InternalServerError, error, "server_error", null);
        }

        return new Answer(StatusCodes.Status200OK, new JsonObject
        {
            ["id"] = job.Id,
            ["model"] = job.Offer.ProviderId,
            ["object"] = "list",
            ["created"] = job.TakenAt.ToUnixTimeSeconds(),
            ["data"] = job.Course.HasNullOutput ? null : Data(exchange, job, works),
        });
    }

    protected virtual bool WantsUrls(JsonElement input) => false;

    protected static Answer Refusal(string message, string parameter) =>
        Error(StatusCodes.Status400BadRequest, message, "invalid_request_error", parameter);

    private static Answer Error(int status, string message, string type, string? parameter) => new(status, new JsonObject
    {
        ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = parameter, ["code"] = null },
    });

    private JsonArray Data(Exchange exchange, Job job, Works works)
    {
        var (member, outputs) = WantsUrls(job.Request.Json)
            ? ("url", works.UrlsOf(job, exchange)!.AsArray())
            : ("b64_json", Works.Outputs(job, index => works.Base64Of(job, index)));
        return [.. outputs.Select((output, index) => new JsonObject { ["index"] = index, [member] = output!.DeepClone() })];
    }
}
