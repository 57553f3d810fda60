using System.Buffers;
using System.IO.Pipelines;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Streams requests that are no generations: a look at a model, and models that answer something else than an image.</summary>
/// <remarks>It runs on the caller's connection and ends with it, or at <c>Generation:Deadline</c>; at the drain limit, if the answer has not begun.</remarks>
internal sealed class PassThrough(RequestDelegate next, UpstreamRoute routes, Draining draining, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var request = context.GetUpstreamRequest();
        if (await routes.FindAsync((RouteEndpoint)context.GetEndpoint()!, request) is not { } target)
        {
            await GatewayProblem.FromUpstream(new UpstreamFailure(FailureClass.Unreachable, Status: null), request.Model.Served.Id).ExecuteAsync(context);
            return;
        }

        target.Direct(context);
        SetBody(context, request);
        context.Features.Set(this);

        var caller = context.RequestAborted;
        var started = time.GetTimestamp();
        using var deadline = new CancellationTokenSource(context.GetSettings().Generation.Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(caller, deadline.Token);
        await using var stopping = draining.AnswersDue.UnsafeRegister(_ => EndUnbegun(context, deadline), null);
        context.RequestAborted = either.Token;
        try
        {
            await next(context);
        }
        finally
        {
            context.RequestAborted = caller;
            context.GetRequestRecord().UpstreamTime = time.GetElapsedTime(started);
        }

        await ExplainAsync(context, request.Model);
    }

    /// <summary>What is streaming already may still end by itself.</summary>
    private static void EndUnbegun(HttpContext context, CancellationTokenSource deadline)
    {
        if (!context.Response.HasStarted)
        {
            deadline.Cancel();
        }
    }

    /// <summary>The checked body in place of the caller's; where a look at a model has one, none.</summary>
    private static void SetBody(HttpContext context, UpstreamRequest request)
    {
        var headers = context.Request;
        headers.Headers.TransferEncoding = default;
        headers.ContentType = request.MediaType;
        if (request.MediaType is null)
        {
            headers.ContentLength = null;
            headers.Body = Stream.Null;
            context.Features.Set<IHttpRequestBodyDetectionFeature>(NoBody.Instance);
        }
        else
        {
            headers.ContentLength = request.Body.Length;
            headers.Body = PipeReader.Create(new ReadOnlySequence<byte>(request.Body)).AsStream();
        }
    }

    private async Task ExplainAsync(HttpContext context, ModelChoice model)
    {
        var failure = context.Features.Get<UpstreamFailure>()
            ?? (context.Features.Get<IForwarderErrorFeature>() is { } broken ? new UpstreamFailure(UpstreamAnswerReader.ClassOf(broken.Error, UpstreamAnswerReader.NeverLeft(broken.Exception)), Status: null) : null);
        if (failure is null || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        if (draining.AnswersDue.IsCancellationRequested)
        {
            await GatewayProblem.StoppingBeforeAnswer().ExecuteAsync(context);
            return;
        }

        // YARP clears an answer that broke off before it began, and with it what we had said of the model.
        if (HttpMethods.IsPost(context.Request.Method))
        {
            ModelSubstitutionMiddleware.SetHeaders(context.Response.Headers, model);
        }

        await GatewayProblem.FromUpstream(failure, model.Served.Id).ExecuteAsync(context);
    }

    private sealed class NoBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly NoBody Instance = new();

        public bool CanHaveBody => false;
    }
}
