using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>A ticket at once, then polls. Names that it does not know pass unheard.</summary>
internal sealed class Wavespeed() : Dialect("wavespeed")
{
    private const string Root = "api/v3/";

    public override Target? Find(string path, JsonElement body)
    {
        if (!path.StartsWith(Root, StringComparison.Ordinal) || path.Length == Root.Length)
        {
            return null;
        }

        return path[Root.Length..].Split('/') is ["predictions", var id, "result"]
            ? new Target(TargetKind.Result, id)
            : new Target(TargetKind.Submit, path[Root.Length..]);
    }

    public override Answer? Refuse(JsonElement input, Offer offer)
    {
        if (input.Member("prompt").Text() is null)
        {
            return Refusal("property \"prompt\" is missing");
        }

        if (offer.TakesPictures && input.Member("image").Text() is null && input.Member("images").ValueKind != JsonValueKind.Array)
        {
            return Refusal("property \"image\" is missing");
        }

        return input.Member("num_inference_steps").Number() is { } steps && (steps < 1 || steps > offer.MostSteps)
            ? Refusal($"property \"num_inference_steps\" must be from 1 to {offer.MostSteps}")
            : null;
    }

    public override Order OrderOf(JsonElement input, Offer offer)
    {
        var (width, height) = Sides(input.Member("size").Text(), '*') ?? (1024, 1024);
        var type = input.Member("output_format").Text() switch
        {
            "png" => Picture.Png,
            "webp" => Picture.Webp,
            _ => Picture.Jpeg,
        };
        return new Order(type, width, height, CountOf(input, "num_images"));
    }

    public override Task<Answer> SubmitAsync(Exchange exchange, Job job, Works works) =>
        Task.FromResult(job.Refusal ?? Envelope(Describe(exchange, job, progress: null, works)));

    public override Answer Tell(Target target, Exchange exchange, Job job, Works works) =>
        Envelope(Describe(exchange, job, job.At(works.Now), works));

    private static Answer Refusal(string message) =>
        new(StatusCodes.Status400BadRequest, new JsonObject { ["code"] = StatusCodes.Status400BadRequest, ["message"] = message });

    private static Answer Envelope(JsonObject data) =>
        new(StatusCodes.Status200OK, new JsonObject { ["code"] = StatusCodes.Status200OK, ["message"] = "success", ["data"] = data });

    private static JsonObject Describe(Exchange exchange, Job job, Progress? progress, Works works) => new()
    {
        ["id"] = job.Id,
        ["model"] = job.Offer.ProviderId,
        ["outputs"] = progress == Progress.Done ? OutputsOf(exchange, job, works) : new JsonArray(),
        ["urls"] = new JsonObject { ["get"] = job.Course.PollUrl ?? $"https://api.wavespeed.ai/api/v3/predictions/{job.Id}/result" },
        ["has_nsfw_contents"] = progress is Progress.Done or Progress.Failed ? new JsonArray(job.Course.IsNsfw) : new JsonArray(),
        ["status"] = progress switch
        {
            Progress.Working => "processing",
            Progress.Done => "completed",
            Progress.Failed or Progress.Cancelled => "failed",
            _ => "created",
        },
        ["created_at"] = job.TakenAt.ToString("O", CultureInfo.InvariantCulture),
        ["error"] = progress == Progress.Failed ? job.Course.Error : "",
        ["executionTime"] = 0,
        ["timings"] = new JsonObject { ["inference"] = progress == Progress.Done ? job.RenderTime.TotalMilliseconds : 0 },
    };

    private static JsonNode? OutputsOf(Exchange exchange, Job job, Works works) =>
        job.Request.Parameters.Member("enable_base64_output").ValueKind == JsonValueKind.True && !job.Course.HasNullOutput
            ? Works.Outputs(job, index => works.DataUrlOf(job, index))
            : works.UrlsOf(job, exchange);
}
