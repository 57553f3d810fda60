using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

using Lumiku.HuggingFace.Simulator.Pictures;

namespace Lumiku.HuggingFace.Simulator.Providers;

/// <summary>Predictions: with <c>Prefer: wait</c> the answer waits a minute for the result, and what is not done by then is polled.</summary>
internal sealed class Replicate() : Dialect("replicate")
{
    private const string Predictions = "predictions";

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(60);

    public override Target? Find(string path, JsonElement body) => path.Split('/') switch
    {
        ["v1", "models", var owner, var name, Predictions] => new Target(TargetKind.Submit, $"{owner}/{name}"),
        ["v1", Predictions] => new Target(TargetKind.Submit, body.Member("version").Text() ?? ""),
        ["v1", Predictions, var id] => new Target(TargetKind.Result, id),
        ["v1", Predictions, var id, "cancel"] => new Target(TargetKind.Cancel, id),
        _ => null,
    };

    public override JsonElement InputOf(JsonElement body) => body.Member("input");

    public override Answer? Refuse(JsonElement input, Offer offer) => ReplicateInputs.Of(offer).Refuse(input, offer);

    public override Order OrderOf(JsonElement input, Offer offer)
    {
        var (width, height) = ReplicateInputs.SizeOf(input);
        var type = input.Member("output_format").Text() switch
        {
            "png" => Picture.Png,
            "jpg" => Picture.Jpeg,
            "webp" => Picture.Webp,
            _ => ReplicateInputs.Of(offer).DefaultType,
        };
        return new Order(type, Side(width, width), Side(height, height), CountOf(input, "num_outputs"));
    }

    public override async Task<Answer> SubmitAsync(Exchange exchange, Job job, Works works)
    {
        if (job.Refusal is { } refusal)
        {
            return refusal;
        }

        var wait = WaitOf(exchange.Request.Header("Prefer"));
        if (wait > TimeSpan.Zero && job.Course is { NeverEnds: false, WaitingPolls: 0, WorkingPolls: 0 })
        {
            await (job.RenderTime < wait ? exchange.WaitForAsync(job) : exchange.WaitAsync(wait));
        }

        var progress = wait > TimeSpan.Zero ? job.At(works.Now) : Progress.Waiting;
        return new Answer(StatusCodes.Status201Created, Describe(exchange, job, progress, works));
    }

    public override Answer Tell(Target target, Exchange exchange, Job job, Works works)
    {
        if (target.Kind == TargetKind.Cancel)
        {
            job.Cancel(works.Now);
        }

        return new Answer(StatusCodes.Status200OK, Describe(exchange, job, job.At(works.Now), works));
    }

    /// <summary>Zero: does not wait.</summary>
    private static TimeSpan WaitOf(string? prefer)
    {
        if (prefer?.Split(',').Select(part => part.Trim()).FirstOrDefault(part => part.StartsWith("wait", StringComparison.OrdinalIgnoreCase)) is not { } wait)
        {
            return TimeSpan.Zero;
        }

        return wait.Split('=') is [_, var seconds] && int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? TimeSpan.FromSeconds(Math.Clamp(number, 1, LongestWait.TotalSeconds))
            : LongestWait;
    }

    private static JsonObject Describe(Exchange exchange, Job job, Progress progress, Works works)
    {
        var parts = job.Offer.ProviderId.Split(':');
        var address = job.Course.PollUrl ?? $"https://api.replicate.com/v1/{Predictions}/{job.Id}";
        return new JsonObject
        {
            ["id"] = job.Id,
            ["model"] = parts[0],
            ["version"] = parts.Length > 1 ? parts[1] : "hidden",
            ["input"] = JsonSerializer.SerializeToNode(job.Request.Parameters),
            ["logs"] = "",
            ["output"] = progress == Progress.Done ? OutputOf(exchange, job, works) : null,
            ["data_removed"] = false,
            ["error"] = progress == Progress.Failed ? job.Course.Error : null,
            ["status"] = StatusOf(progress),
            ["created_at"] = job.TakenAt.ToString("O", CultureInfo.InvariantCulture),
            ["metrics"] = progress == Progress.Done ? new JsonObject { ["predict_time"] = job.RenderTime.TotalSeconds } : new JsonObject(),
            ["urls"] = new JsonObject
            {
                ["get"] = address,
                ["cancel"] = address + "/cancel",
                ["stream"] = $"https://stream.replicate.com/v1/files/{job.Id}",
                ["web"] = $"https://replicate.com/p/{job.Id}",
            },
        };
    }

    /// <summary>Some models answer a list even for one picture, some its address alone.</summary>
    private static JsonNode? OutputOf(Exchange exchange, Job job, Works works)
    {
        var urls = works.UrlsOf(job, exchange);
        return ReplicateInputs.Of(job.Offer).AnswersOne && urls is JsonArray { Count: 1 } one ? one[0]!.DeepClone() : urls;
    }

    private static string StatusOf(Progress progress) => progress switch
    {
        Progress.Waiting => "starting",
        Progress.Working => "processing",
        Progress.Done => "succeeded",
        Progress.Cancelled => "canceled",
        _ => "failed",
    };
}
