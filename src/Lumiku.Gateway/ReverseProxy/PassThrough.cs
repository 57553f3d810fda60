using System.Buffers;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Streams requests that are no generations: a look at a model, and models that answer something else than an image.</summary>
internal sealed class PassThrough(RequestDelegate next)
{
    /// <summary>An error of upstream's is read up to here, to be told in our shape.</summary>
    private const int ErrorBytes = 64 * 1024;

    public async Task InvokeAsync(HttpContext context)
    {
        var request = context.GetUpstreamRequest();
        var accept = context.Request.Headers.Accept;
        if (!UpstreamRoute.Direct(context, (RouteEndpoint)context.GetEndpoint()!, request.Path))
        {
            await GatewayProblem.FromUpstream(new UpstreamFailure(FailureClass.Unreachable, Status: null), request.Model.Served.Id).ExecuteAsync(context);
            return;
        }

        if (request.MediaType is not null)
        {
            context.Request.Body = System.IO.Pipelines.PipeReader.Create(new ReadOnlySequence<byte>(request.Body)).AsStream();
            context.Request.ContentType = request.MediaType;
            context.Request.ContentLength = request.Body.Length;
            context.Request.Headers.TransferEncoding = default;
        }

        context.Features.Set(this);
        await next(context);
        await ExplainAsync(context, request.Model.Served.Id);
    }

    /// <summary>Takes a good answer's type and length; keeps a bad one back, to be told in our shape.</summary>
    public static async ValueTask TakeAsync(ResponseTransformContext context, HttpResponseMessage upstream)
    {
        var response = context.HttpContext.Response;
        if (upstream.StatusCode is >= System.Net.HttpStatusCode.OK and < System.Net.HttpStatusCode.MultipleChoices)
        {
            HeaderAllowLists.Copy(upstream.Headers, response.Headers, UpstreamAnswerReader.ShownHeaders);
            HeaderAllowLists.Copy(upstream.Content.Headers, response.Headers, ["Content-Type", "Content-Encoding"]);
            response.ContentLength = upstream.Content.Headers.ContentLength;
            response.Headers.XContentTypeOptions = "nosniff";
            return;
        }

        context.SuppressResponseBody = true;
        var headers = new HeaderDictionary();
        HeaderAllowLists.Copy(upstream.Headers, headers, ["Retry-After"]);
        var body = await ReadErrorAsync(upstream, context.CancellationToken);
        var answer = new UpstreamAnswer((int)upstream.StatusCode, headers, new ReadOnlySequence<byte>(body), ForwarderError.None, IsTooLarge: false);
        var failure = UpstreamAnswerReader.FailureOf(answer, context.HttpContext.GetSettings(), $"has the status {answer.StatusCode}");
        context.HttpContext.Features.Set(failure);
    }

    private static async Task<byte[]> ReadErrorAsync(HttpResponseMessage upstream, CancellationToken cancellationToken)
    {
        try
        {
            var buffer = new byte[ErrorBytes];
            await using var stream = await upstream.Content.ReadAsStreamAsync(cancellationToken);
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            return buffer[..length];
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            return [];
        }
    }

    private static async Task ExplainAsync(HttpContext context, string model)
    {
        var failure = context.Features.Get<UpstreamFailure>()
            ?? (context.Features.Get<IForwarderErrorFeature>() is { } broken ? new UpstreamFailure(UpstreamAnswerReader.ClassOf(broken.Error), Status: null) : null);
        if (failure is not null && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            await GatewayProblem.FromUpstream(failure, model).ExecuteAsync(context);
        }
    }
}
