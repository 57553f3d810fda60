using System.Text.Json;
using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>Answers at once, or with <c>?_subdomain=queue</c> by way of a queue, which takes everything and refuses where the result would be.</summary>
internal sealed class FalAi() : Dialect("fal-ai")
{
    private const string Requests = "/requests/";

    public override TargetKind Polled => TargetKind.Status;

    public override Target? Find(string path, JsonElement body)
    {
        var split = path.IndexOf(Requests, StringComparison.Ordinal);
        if (split < 0)
        {
            return path.Length > 0 ? new Target(TargetKind.Submit, path) : null;
        }

        return path[(split + Requests.Length)..].Split('/') switch
        {
            [var id] => new Target(TargetKind.Result, id),
            [var id, "status"] => new Target(TargetKind.Status, id),
            [var id, "cancel"] => new Target(TargetKind.Cancel, id),
            _ => null,
        };
    }

    public override Answer? Refuse(JsonElement input, Offer offer) => FalAiChecks.Refuse(input, offer);

    public override Order OrderOf(JsonElement input, Offer offer)
    {
        var (width, height) = FalAiChecks.SizeOf(input.Member("image_size"), offer);
        var type = input.Member("output_format").Text() switch
        {
            "png" => Picture.Png,
            "jpeg" => Picture.Jpeg,
            _ => offer.TakesPictures ? Picture.Png : Picture.Jpeg,
        };
        return new Order(type, Side(width, width), Side(height, height), CountOf(input, "num_images"));
    }

    public override async Task<Answer> SubmitAsync(Exchange exchange, Job job, Works works)
    {
        if (exchange.Request.Path.Contains("_subdomain=queue", StringComparison.Ordinal))
        {
            return new Answer(StatusCodes.Status200OK, Ticket("IN_QUEUE", job));
        }

        if (job.Refusal is null)
        {
            await exchange.WaitForAsync(job);
        }

        return ResultOf(exchange, job, works);
    }

    public override Answer Tell(Target target, Exchange exchange, Job job, Works works)
    {
        if (target.Kind == TargetKind.Cancel)
        {
            return job.Cancel(works.Now)
                ? new Answer(StatusCodes.Status202Accepted, new JsonObject { ["status"] = "CANCELLATION_REQUESTED" })
                : new Answer(StatusCodes.Status400BadRequest, new JsonObject { ["status"] = "ALREADY_COMPLETED" });
        }

        var progress = job.At(works.Now);
        var isOver = progress is not (Progress.Waiting or Progress.Working);
        if (target.Kind == TargetKind.Result)
        {
            return isOver ? ResultOf(exchange, job, works) : Detail(StatusCodes.Status400BadRequest, "Request is still in progress");
        }

        return isOver
            ? new Answer(StatusCodes.Status200OK, Ticket("COMPLETED", job))
            : new Answer(StatusCodes.Status202Accepted, Ticket(progress == Progress.Waiting ? "IN_QUEUE" : "IN_PROGRESS", job));
    }

    private static Answer Detail(int status, string detail) => new(status, new JsonObject { ["detail"] = detail });

    private static JsonObject Ticket(string status, Job job)
    {
        var app = string.Join('/', job.Offer.ProviderId.Split('/').Take(2));
        var address = job.Course.PollUrl ?? $"https://queue.fal.run/{app}{Requests}{job.Id}";
        return new JsonObject
        {
            ["status"] = status,
            ["request_id"] = job.Id,
            ["response_url"] = address,
            ["status_url"] = address + "/status",
            ["cancel_url"] = address + "/cancel",
            ["logs"] = null,
            ["metrics"] = new JsonObject(),
            ["queue_position"] = 0,
        };
    }

    private static Answer ResultOf(Exchange exchange, Job job, Works works)
    {
        if (job.Refusal is { } refusal)
        {
            return refusal;
        }

        // A picture that the safety checker refuses is black, and no failure.
        if (job.Course is { Error: { } error, IsNsfw: false })
        {
            return Detail(StatusCodes.Status500InternalServerError, error);
        }

        if (job.At(works.Now) == Progress.Cancelled)
        {
            return Detail(StatusCodes.Status400BadRequest, "Request was cancelled");
        }

        return new Answer(StatusCodes.Status200OK, new JsonObject
        {
            ["images"] = ImagesOf(exchange, job, works),
            ["timings"] = new JsonObject { ["inference"] = job.RenderTime.TotalSeconds },
            ["seed"] = job.Request.Parameters.Member("seed").Number() ?? 0,
            ["has_nsfw_concepts"] = new JsonArray([.. Enumerable.Range(0, job.Count).Select(_ => JsonValue.Create(job.Course.IsNsfw))]),
            ["prompt"] = job.Request.Prompt,
        });
    }

    private static JsonArray? ImagesOf(Exchange exchange, Job job, Works works)
    {
        var isSynchronous = job.Request.Parameters.Member("sync_mode").ValueKind == JsonValueKind.True;
        var urls = isSynchronous && !job.Course.HasNullOutput
            ? Works.Outputs(job, index => works.DataUrlOf(job, index))
            : works.UrlsOf(job, exchange)?.AsArray();
        return urls is null ? null : [.. urls.Select(url => new JsonObject
        {
            ["url"] = url!.DeepClone(),
            ["width"] = job.Order.Width,
            ["height"] = job.Order.Height,
            ["content_type"] = job.Order.Type,
        })];
    }
}
