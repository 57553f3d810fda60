using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>Replicate: a prediction is ordered, waited for up to a minute in the same answer, and asked after from then on.</summary>
internal sealed class ReplicateDialect : IDialect
{
    private const string Predictions = "/v1/predictions/";

    public string Name => "replicate";

    public ProviderRules Rules { get; } = new()
    {
        Size = SizeForm.AspectRatio,
        Format = "output_format",
        Rename = new() { ["guidance_scale"] = "guidance" },
    };

    public IReadOnlyList<string> OwnNames { get; } = ["model"];

    public IReadOnlyList<FailureRule> FailureRules { get; } = [new() { Status = 422, Class = FailureClass.ParameterRefused }];

    public UpstreamCall Order(UpstreamRequest request, string accept, Serving serving)
    {
        // A model's own address serves its newest version; an id with a version behind a colon goes to the general one.
        var version = serving.ModelId.IndexOf(':') is >= 0 and var colon ? serving.ModelId[(colon + 1)..] : null;
        var body = ProviderBody.Write(request, serving, MediaWord(accept), picturesAsDataUrls: true, (writer, writeOrder) =>
        {
            writer.WriteStartObject("input");
            writeOrder();
            writer.WriteEndObject();
            if (version is not null)
            {
                writer.WriteString("version", version);
            }
        });
        return UpstreamCall.PostJson(version is null ? $"/v1/models/{serving.ModelId}/predictions" : "/v1/predictions", body) with { Prefer = "wait" };
    }

    public DialectStep Read(UpstreamCall asked, UpstreamAnswer answer, Serving serving, int limit)
    {
        using var json = ProviderJson.Parse(answer);
        if (json is null)
        {
            return ProviderJson.NoJson;
        }

        var root = json.RootElement;
        return ProviderJson.Text(ProviderJson.Find(root, "status")) switch
        {
            "failed" => new DialectStep.Failed(StatusCodes.Status500InternalServerError, ProviderJson.Text(ProviderJson.Find(root, "error")) ?? ""),
            "canceled" or "aborted" => new DialectStep.Failed(StatusCodes.Status500InternalServerError, "The prediction was cancelled."),
            "starting" or "processing" => Later(asked, root),
            // Some answers say no status, as the official client has it.
            _ when ProviderJson.First(ProviderJson.Find(root, "output")) is { } output => ProviderJson.AtOrIn(output, limit),
            _ => new DialectStep.Flawed("has no image ('output' is missing or empty)"),
        };
    }

    private static DialectStep Later(UpstreamCall asked, JsonElement root) =>
        asked.IsPoll ? new DialectStep.Later(asked)
        : ProviderJson.PathOf(ProviderJson.Find(root, "urls", "get"), path => path.StartsWith(Predictions, StringComparison.Ordinal) && !path[Predictions.Length..].Contains('/', StringComparison.Ordinal)) is { } path
            ? new DialectStep.Later(UpstreamCall.Poll(path))
            : new DialectStep.Flawed("does not say where to ask for the image ('urls.get')");

    private static string MediaWord(string accept) => accept == ImageMediaType.Png ? "png" : accept == ImageMediaType.Jpeg ? "jpg" : "webp";
}
