using Lumiku.Gateway.ModelSubstitution;

namespace Lumiku.Gateway.Generation.Dialects;

/// <summary>Hugging Face's own: <c>{inputs, parameters}</c> in, the image's bytes out.</summary>
internal sealed class HfInferenceDialect : IDialect
{
    public string Name => "hf-inference";

    public ProviderRules Rules { get; } = new();

    public IReadOnlyList<string> OwnNames => [];

    public IReadOnlyList<FailureRule> FailureRules => [];

    public UpstreamCall Order(UpstreamRequest request, string accept, Serving serving) =>
        OrderAt(serving.ModelId == request.Model.Served.Id ? request.Path : ModelPath.For(serving.ModelId, task: null), request, accept);

    /// <summary>The same by the path of a request that no <c>Served</c> redirects.</summary>
    public static UpstreamCall OrderAt(string path, UpstreamRequest request, string accept) =>
        new(HttpMethods.Post, path, accept) { MediaType = request.MediaType, Body = request.Body, GivesImage = true };

    public DialectStep Read(UpstreamCall asked, UpstreamAnswer answer, Serving serving, int limit) => new DialectStep.Made(answer.Buffer!);
}
