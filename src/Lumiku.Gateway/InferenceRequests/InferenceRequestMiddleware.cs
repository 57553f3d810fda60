using System.Text.Json;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;
using Microsoft.Net.Http.Headers;

namespace Lumiku.Gateway.InferenceRequests;

/// <summary>Reads and checks the body of a POST once: 400, 413, 415 or 429 before anything is paid for.</summary>
internal sealed class InferenceRequestMiddleware(RequestDelegate next, BodyRoom room, Draining draining)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            await next(context);
            return;
        }

        if (MediaTypeOf(context.Request) is not { } mediaType)
        {
            await GatewayProblem.UnsupportedMediaType(context.Request.ContentType).ExecuteAsync(context);
            return;
        }

        var terms = context.Features.GetRequiredFeature<BodyTerms>();
        // The decoding middleware takes the header away when it knows the coding, and leaves a stream in the body's place. A compressed
        // body that is cut off decodes to its beginning: JSON shows that, bytes do not.
        if (context.Request.Headers.ContentEncoding.Count > 0 || (mediaType != "application/json" && terms.IsEncoded))
        {
            await GatewayProblem.UnsupportedEncoding().ExecuteAsync(context);
            return;
        }

        using var body = await ReadAsync(context, terms.Limit);
        if (body is null)
        {
            return;
        }

        context.GetRequestRecord().Facts["RequestBytes"] = body.Memory.Length;
        var (json, problem) = Check(mediaType, body.Memory);
        if (problem is not null)
        {
            await GatewayProblem.MalformedBody(problem).ExecuteAsync(context);
            return;
        }

        // Whoever waits long gives it back before.
        using var request = new InferenceRequest(mediaType, json, body);
        context.Features.Set(request);
        context.GetRequestRecord().Story.PromptBytes = request.PromptBytes;
        await next(context);
    }

    /// <returns>Null where the caller has been told why.</returns>
    private async Task<BodyBuffer?> ReadAsync(HttpContext context, int limit)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, draining.AnswersDue);
        try
        {
            if (await BodyBuffer.ReadAsync(context.Request, limit, room, context.GetSettings().Limits.BufferedBytes, leaving.Token) is { } body)
            {
                return body;
            }

            await GatewayProblem.NoRoomForBody(BodyRoom.Patience).ExecuteAsync(context);
            return null;
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            await GatewayProblem.StoppingBeforeAnswer().ExecuteAsync(context);
            return null;
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            await GatewayProblem.BodyTooLarge(limit).ExecuteAsync(context);
            return null;
        }
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
        {
            // The decoders for gzip and deflate say the one, the one for br the other.
            await GatewayProblem.MalformedBody("The compressed body does not decode.").ExecuteAsync(context);
            return null;
        }
    }

    private static (JsonDocument? Json, string? Problem) Check(string mediaType, ReadOnlyMemory<byte> body)
    {
        if (mediaType != "application/json")
        {
            return (null, body.IsEmpty ? "The body is empty; it must hold the picture or sound." : null);
        }

        return InferenceJson.TryParse(body, out var json, out var problem) ? (json, null) : (null, problem);
    }

    /// <summary>JSON in UTF-8, or bytes; null for anything else. Upstream looks the type up exactly, so parameters are dropped where they say nothing.</summary>
    private static string? MediaTypeOf(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
        {
            return null;
        }

        var name = type.MediaType.ToString().ToLowerInvariant();
        return name switch
        {
            "application/json" => type.Charset.Length == 0 || type.Charset.AsSpan().Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase) ? name : null,
            "application/octet-stream" => name,
            _ when name.StartsWith("image/", StringComparison.Ordinal) => name,
            _ when name.StartsWith("audio/", StringComparison.Ordinal) => request.ContentType,
            _ => null,
        };
    }
}
