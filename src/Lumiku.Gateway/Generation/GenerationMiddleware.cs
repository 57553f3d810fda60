using Lumiku.Gateway.Health;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Microsoft.Extensions.Primitives;

namespace Lumiku.Gateway.Generation;

/// <summary>Answers an inference request with a generated image: 502 or 504 where there is none.</summary>
/// <remarks>A caller who leaves stops waiting, not the generation.</remarks>
internal sealed class GenerationMiddleware(RequestDelegate next, Generator generator, Draining draining, TimeProvider time)
{
    /// <summary>When to ask again for an image that is still being made.</summary>
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(10);

    public async Task InvokeAsync(HttpContext context)
    {
        var request = context.GetUpstreamRequest();
        if (!HttpMethods.IsPost(context.Request.Method) || !request.Model.Served.MakesImages)
        {
            await next(context);
            return;
        }

        var settings = context.GetSettings();
        var route = (RouteEndpoint)context.GetEndpoint()!;
        var accept = ImageMediaType.Choose(context.Request.Headers.Accept, route.Metadata.GetMetadata<ImageAccept>()?.MediaType ?? ImageMediaType.Png);
        var generation = generator.Start(route, request, accept, settings);
        if (await WaitAsync(context, generation, request.Model.Served.Options.WaitLimit ?? settings.Generation.WaitLimit) is not { } result)
        {
            await GatewayProblem.StillGenerating(AskAgain).ExecuteAsync(context);
            return;
        }

        context.GetRequestRecord().UpstreamTime = result.UpstreamTime;
        if (result.Image is { } image)
        {
            await AnswerAsync(context, image);
        }
        else
        {
            await result.Failure!.ToProblem(request.Model.Served.Id).ExecuteAsync(context);
        }
    }

    /// <returns>Null where the wait limit, or the end of draining, came first.</returns>
    private async Task<GenerationResult?> WaitAsync(HttpContext context, Task<GenerationResult> generation, TimeSpan limit)
    {
        var started = time.GetTimestamp();
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, draining.AnswersDue);
        try
        {
            return await generation.WaitAsync(limit, time, cancellation.Token);
        }
        catch (TimeoutException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            // Who does not wait to the end has waited for upstream all the same.
            context.GetRequestRecord().UpstreamTime = time.GetElapsedTime(started);
        }
    }

    private static async Task AnswerAsync(HttpContext context, GeneratedImage image)
    {
        var response = context.Response;
        response.ContentType = image.MediaType;
        response.ContentLength = image.Content.Length;
        response.Headers.ETag = image.ETag;
        response.Headers.XContentTypeOptions = "nosniff";
        foreach (var (name, value) in image.UpstreamHeaders)
        {
            response.Headers[name] = new StringValues(value);
        }

        foreach (var piece in image.Content)
        {
            await response.BodyWriter.WriteAsync(piece, context.RequestAborted);
        }
    }
}

/// <summary>On a route's endpoint: the media type asked for where the caller prefers none that upstream makes images in.</summary>
internal sealed record ImageAccept(string MediaType);
