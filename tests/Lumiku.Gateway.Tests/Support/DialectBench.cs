using System.Buffers;
using System.Text;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>One model at one upstream, as settings describe it: what is sent there, and what is made of its answers.</summary>
internal sealed class DialectBench
{
    private const int Limit = 1_000_000;

    private readonly Serving _serving;
    private readonly Model _model;

    /// <param name="upstream">The members of <c>Upstreams:there</c>, as JSON.</param>
    /// <param name="served">The members of the model's <c>Served</c> beside <c>Upstream</c>, as JSON.</param>
    public DialectBench(string upstream, string served = "")
    {
        var json = $$"""{ "Callers": { "x": { "Key": "0123456789abcdef0123" } }, "Upstreams": { "there": { {{upstream}} } }, "Models": { "Catalog": { "a/b": { "Served": [ { "Upstream": "there"{{(served.Length == 0 ? "" : ", ")}}{{served}} } ] } } } }""";
        var configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
        var settings = GatewaySettings.Read(configuration, out var mistakes);
        if (mistakes.FirstOrDefault(mistake => mistake.Contains("Upstreams", StringComparison.Ordinal) || mistake.Contains("Models", StringComparison.Ordinal)) is { } mistake)
        {
            throw new InvalidOperationException(mistake);
        }

        _model = settings.Models.Find("a/b")!;
        _serving = settings.Upstreams.Of(_model).Single();
    }

    /// <returns>Method, path and query with a space between, and the body.</returns>
    public (string Line, string Body) Order(string body, string accept = "image/png", string mediaType = "application/json") => Order(Encoding.UTF8.GetBytes(body), accept, mediaType);

    public (string Line, string Body) Order(byte[] body, string accept, string mediaType)
    {
        var call = _serving.Dialect.Order(new UpstreamRequest(new ModelChoice(_model, _model), "/models/a/b", mediaType, body), accept, _serving);
        return ($"{call.Method} {call.Path}{call.Query}{(call.Prefer is null ? "" : $" Prefer: {call.Prefer}")}", Encoding.UTF8.GetString(call.Body.Span));
    }

    /// <summary>What follows from an answer, in a word and what belongs to it.</summary>
    /// <param name="asked">The path that it answers; null: the order.</param>
    public string Read(string answer, string? asked = null) => Read(Encoding.UTF8.GetBytes(answer), asked);

    /// <inheritdoc cref="Read(string, string?)"/>
    public string Read(byte[] answer, string? asked = null)
    {
        var call = asked is null ? UpstreamCall.PostJson("/order", default) : UpstreamCall.Poll(asked);
        var buffer = new ImageBuffer(2 * Limit);
        buffer.Append(answer, 0);
        return _serving.Dialect.Read(call, new UpstreamAnswer(200, new HeaderDictionary(), buffer.Content, buffer, ForwarderError.None, IsTooLarge: false), _serving, Limit) switch
        {
            DialectStep.Made made => $"image {Encoding.UTF8.GetString(made.Image.Content.ToArray())}",
            DialectStep.At at => $"at {at.Url}",
            DialectStep.Later later => $"later {later.Next.Method} {later.Next.Path}{later.Next.Query}",
            DialectStep.Now now => $"now {now.Next.Method} {now.Next.Path}{now.Next.Query}",
            DialectStep.Failed failed => $"failed {failed.Status} {failed.Message}",
            DialectStep.AskedInVain vain => $"asked in vain {vain.Status} {vain.Message}",
            DialectStep.Flawed flawed => $"flawed: it {flawed.Flaw}",
            var other => $"{other}",
        };
    }
}
