using Lumiku.Gateway.Telemetry;
using Microsoft.AspNetCore.Connections;

namespace Lumiku.Gateway;

/// <summary>Gives every failure our one shape: exceptions, and statuses that somebody set without a word.</summary>
internal sealed partial class ProblemAnswers(RequestDelegate next, ILogger<ProblemAnswers> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var response = context.Response;
        try
        {
            await next(context);
        }
        catch (Exception exception) when (exception is ConnectionResetException || context.RequestAborted.IsCancellationRequested)
        {
            // The caller has left, perhaps in the middle of its body: nobody to answer, and nothing is wrong. The request log says so.
            context.GetRequestRecord().IsCallerGone = true;
            context.Abort();
            return;
        }
        catch (Exception exception) when (!response.HasStarted)
        {
            var problem = Explain(exception);
            if (problem.StatusCode == StatusCodes.Status500InternalServerError)
            {
                Log.Unexpected(logger, context.TraceIdentifier, exception);
            }

            await problem.ExecuteAsync(context);
            return;
        }
        if (response.StatusCode >= 400 && !response.HasStarted && response.ContentLength is null && response.ContentType is null)
        {
            await (response.StatusCode == StatusCodes.Status405MethodNotAllowed
                ? GatewayProblem.MethodNotAllowed(context.Request.Method, response.Headers.Allow.ToString())
                : GatewayProblem.UnknownRoute(context.Request.Path)).ExecuteAsync(context);
        }
    }

    private static GatewayProblem Explain(Exception exception) => exception switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => GatewayProblem.BodyTooLarge(limit: null),
        BadHttpRequestException => GatewayProblem.MalformedBody("The request body broke off, or came too slowly."),
        // How Kestrel says that a chunk's size is beyond counting.
        IOException { InnerException: OverflowException } => GatewayProblem.MalformedBody("The request body is in chunks, and the size of one is no number."),
        _ => GatewayProblem.Internal(),
    };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The request {RequestId} failed for a reason of ours")]
        public static partial void Unexpected(ILogger logger, string requestId, Exception exception);
    }
}

internal static class ProblemAnswersSetup
{
    public static IApplicationBuilder UseProblemAnswers(this IApplicationBuilder app) => app.UseMiddleware<ProblemAnswers>();
}
