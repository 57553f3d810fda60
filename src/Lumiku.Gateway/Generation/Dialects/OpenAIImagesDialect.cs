using System.Text.Json;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>OpenAI's <c>/v1/images/generations</c>, as nscale and together speak it: the image in base64.</summary>
internal sealed class OpenAIImagesDialect : IDialect
{
    public string Name => "openai-images";

    public ProviderRules Rules { get; } = new() { Size = SizeForm.SizeWithX };

    public IReadOnlyList<string> OwnNames { get; } = ["model", "response_format", "stream"];

    public IReadOnlyList<FailureRule> FailureRules { get; } =
    [
        new() { Status = 400, Message = "invalid_request_error", Class = FailureClass.ParameterRefused },
        new() { Status = 422, Class = FailureClass.ParameterRefused },
    ];

    public UpstreamCall Order(UpstreamRequest request, string accept, Serving serving) =>
        UpstreamCall.PostJson("/v1/images/generations", ProviderBody.Write(request, serving, MediaWord(accept), picturesAsDataUrls: true, (writer, writeOrder) =>
        {
            writer.WriteString("model", serving.ModelId);
            if (!serving.Rules.Set.ContainsKey("response_format"))
            {
                writer.WriteString("response_format", "b64_json");
            }

            writeOrder();
        }));

    public DialectStep Read(UpstreamCall asked, UpstreamAnswer answer, Serving serving, int limit)
    {
        using var json = ProviderJson.Parse(answer);
        if (json is null)
        {
            return ProviderJson.NoJson;
        }

        if (ProviderJson.First(ProviderJson.Find(json.RootElement, "data")) is not { } image)
        {
            return new DialectStep.Flawed("has no image ('data' is missing or empty)");
        }

        return ProviderJson.Find(image, "b64_json") is { ValueKind: JsonValueKind.String } text
            ? ProviderJson.InBase64(text, limit)
            : ProviderJson.AtOrIn(ProviderJson.Find(image, "url"), limit);
    }

    private static string MediaWord(string accept) => accept == ImageMediaType.Png ? "png" : accept == ImageMediaType.Jpeg ? "jpeg" : "webp";
}
