using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>WaveSpeed: a task is ordered and asked after; its outputs are addresses.</summary>
internal sealed class WaveSpeedDialect : IDialect
{
    private const int Good = 200;

    private const string TaskFailed = "failed";

    public string Name => "wavespeed";

    public ProviderRules Rules { get; } = new() { Size = SizeForm.SizeWithStar, Format = "output_format" };

    public IReadOnlyList<string> OwnNames { get; } = ["model", "enable_sync_mode", "enable_base64_output"];

    public IReadOnlyList<FailureRule> FailureRules { get; } = [new() { Status = 422, Class = FailureClass.ParameterRefused }];

    public UpstreamCall Order(UpstreamRequest request, string accept, Serving serving) =>
        UpstreamCall.PostJson($"/api/v3/{serving.ModelId}", ProviderBody.Write(request, serving, MediaWord(accept), picturesAsDataUrls: false, (_, writeOrder) => writeOrder()));

    public DialectStep Read(UpstreamCall asked, UpstreamAnswer answer, Serving serving, int limit)
    {
        using var json = ProviderJson.Parse(answer);
        if (json is null)
        {
            return ProviderJson.NoJson;
        }

        var root = json.RootElement;
        // The status of HTTP is 200 whatever became of it.
        if (ProviderJson.Find(root, "code") is { ValueKind: JsonValueKind.Number } code && code.TryGetInt32(out var number) && number != Good)
        {
            var (status, message) = (number is >= 400 and <= 599 ? number : StatusCodes.Status500InternalServerError, ProviderJson.Text(ProviderJson.Find(root, "message")) ?? "");
            if (!asked.IsPoll)
            {
                return new DialectStep.Failed(status, message);
            }

            // Of the task itself only its own status tells.
            if (ProviderJson.Text(ProviderJson.Find(root, "data", "status")) is not TaskFailed)
            {
                return new DialectStep.AskedInVain(status, message);
            }
        }

        if (ProviderJson.Find(root, "data") is not { ValueKind: JsonValueKind.Object } task)
        {
            return new DialectStep.Flawed("has no task ('data' is missing)");
        }

        return ProviderJson.Text(ProviderJson.Find(task, "status")) switch
        {
            TaskFailed => new DialectStep.Failed(StatusCodes.Status500InternalServerError, ProviderJson.Text(ProviderJson.Find(task, "error")) ?? ""),
            "completed" => ProviderJson.First(ProviderJson.Find(task, "outputs")) is { } output ? ProviderJson.AtOrIn(output, limit) : new DialectStep.Flawed("has no image ('outputs' is missing or empty)"),
            _ when asked.IsPoll => new DialectStep.Later(asked),
            _ => ProviderJson.PathOf(ProviderJson.Find(task, "urls", "get"), IsResult) is { } path
                ? new DialectStep.Later(UpstreamCall.Poll(path))
                : new DialectStep.Flawed("does not say where to ask for the image ('urls.get')"),
        };
    }

    private static bool IsResult(string path) => path.StartsWith("/api/v3/predictions/", StringComparison.Ordinal) && path.EndsWith("/result", StringComparison.Ordinal);

    private static string MediaWord(string accept) => accept == ImageMediaType.Png ? "png" : accept == ImageMediaType.Jpeg ? "jpeg" : "webp";
}
