using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>fal.ai: flat JSON, an answer with addresses of images; through its queue, or with the connection held.</summary>
internal sealed class FalDialect : IDialect
{
    /// <summary>How the router is told to go to fal's queue.</summary>
    private const string Queue = "?_subdomain=queue";

    public string Name => "fal-ai";

    public ProviderRules Rules { get; } = new() { Size = SizeForm.ImageSize, Format = "output_format" };

    public IReadOnlyList<string> OwnNames { get; } = ["model", "sync_mode"];

    public IReadOnlyList<FailureRule> FailureRules { get; } = [new() { Status = 422, Class = FailureClass.ParameterRefused }];

    public UpstreamCall Order(UpstreamRequest request, string accept, Serving serving)
    {
        var body = ProviderBody.Write(request, serving, MediaWord(accept), picturesAsDataUrls: true, (writer, writeOrder) =>
        {
            if (!serving.Options.Queue && !serving.Rules.Set.ContainsKey("sync_mode"))
            {
                // The image comes in the answer, and need not be fetched.
                writer.WriteBoolean("sync_mode", true);
            }

            writeOrder();
        });
        return UpstreamCall.PostJson($"/{serving.ModelId}", body) with { Query = serving.Options.Queue ? Queue : "" };
    }

    public DialectStep Read(UpstreamCall asked, UpstreamAnswer answer, Serving serving, int limit)
    {
        using var json = ProviderJson.Parse(answer);
        if (json is null)
        {
            return ProviderJson.NoJson;
        }

        var root = json.RootElement;
        if (!asked.IsPoll && serving.Options.Queue)
        {
            return ProviderJson.PathOf(ProviderJson.Find(root, "response_url"), path => path.Contains("/requests/", StringComparison.Ordinal)) is { } path
                ? After(ProviderJson.Text(ProviderJson.Find(root, "status")), path)
                : new DialectStep.Flawed("does not say where to ask for the image ('response_url')");
        }

        return asked.IsPoll && asked.Path.EndsWith("/status", StringComparison.Ordinal)
            ? After(ProviderJson.Text(ProviderJson.Find(root, "status")), asked.Path[..^"/status".Length])
            : Image(root, limit);
    }

    private static DialectStep After(string? status, string path) => status switch
    {
        "COMPLETED" => new DialectStep.Now(UpstreamCall.Poll(path, Queue) with { IsOutcome = true }),
        "IN_QUEUE" or "IN_PROGRESS" => new DialectStep.Later(UpstreamCall.Poll($"{path}/status", Queue)),
        _ => new DialectStep.Flawed("has a status that no order in fal's queue has"),
    };

    private static DialectStep Image(JsonElement root, int limit)
    {
        // In place of what it found, the safety checker gives a black image.
        if (ProviderJson.First(ProviderJson.Find(root, "has_nsfw_concepts")) is { ValueKind: JsonValueKind.True })
        {
            return new DialectStep.Failed(StatusCodes.Status422UnprocessableEntity, FailureRule.NotSafe);
        }

        var image = ProviderJson.First(ProviderJson.Find(root, "images")) ?? ProviderJson.Find(root, "image");
        return image is { } found ? ProviderJson.AtOrIn(ProviderJson.Find(found, "url"), limit) : new DialectStep.Flawed("has no image ('images' is missing or empty)");
    }

    /// <summary>It makes no WebP.</summary>
    private static string MediaWord(string accept) => accept == ImageMediaType.Jpeg ? "jpeg" : "png";
}
