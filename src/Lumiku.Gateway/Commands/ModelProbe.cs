using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Commands;

/// <summary>One small image of one model, asked for as callers ask, and what became of it.</summary>
internal static class ModelProbe
{
    /// <summary>Small and quick. The gateway leaves out, or caps, what the model that serves does not take.</summary>
    public static readonly byte[] Body = """{"inputs":"a lighthouse at dusk","parameters":{"width":512,"height":512,"num_inference_steps":4}}"""u8.ToArray();

    /// <summary>By how much the gateway's own 504 is waited for longer than it takes.</summary>
    private const int GraceSeconds = 10;

    /// <param name="seconds">When to give up; null: after the gateway itself has.</param>
    /// <param name="interrupted">Ends the wait: the row says so.</param>
    public static async Task<ProbeRow> RunAsync(OperatorClient gateway, ModelBody model, int? seconds, CancellationToken interrupted)
    {
        if (model.Output != nameof(ModelOutput.Image))
        {
            return ProbeRow.Of(model.Id, ProbeRow.Skipped) with { Error = $"its Output is {model.Output}, not Image" };
        }

        var started = Stopwatch.GetTimestamp();
        var wait = TimeSpan.FromSeconds(seconds ?? model.WaitSeconds + GraceSeconds);
        var row = await AskAsync(gateway, model.Id, wait, interrupted);
        return row with { Seconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 3) };
    }

    private static async Task<ProbeRow> AskAsync(OperatorClient gateway, string model, TimeSpan wait, CancellationToken interrupted)
    {
        var failed = ProbeRow.Of(model, ProbeRow.Failed);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        patience.CancelAfter(wait);
        try
        {
            using var request = Request(model);
            using var answer = await gateway.SendAsync(request, patience.Token);
            return Read(failed, answer, await answer.Content.ReadAsByteArrayAsync(patience.Token));
        }
        catch (OperationCanceledException)
        {
            return failed with { Error = interrupted.IsCancellationRequested ? "interrupted" : $"no answer within {wait.TotalSeconds} s" };
        }
        catch (HttpRequestException exception)
        {
            return failed with { Error = $"no answer: {exception.Message}" };
        }
    }

    private static HttpRequestMessage Request(string model)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"models/{model}") { Content = new ByteArrayContent(Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("image/png"));
        request.Headers.CacheControl = new CacheControlHeaderValue { NoStore = true };
        request.Headers.Add(OperatorAccess.ProbeHeader, OperatorAccess.ProbeValue);
        return request;
    }

    private static ProbeRow Read(ProbeRow failed, HttpResponseMessage answer, byte[] body)
    {
        var row = failed with
        {
            ServedBy = answer.Headers.TryGetValues(ModelSubstitutionMiddleware.ServedHeader, out var served) ? served.First() : null,
            Status = (int)answer.StatusCode,
        };
        var mediaType = answer.Content.Headers.ContentType?.MediaType;
        if (answer.IsSuccessStatusCode)
        {
            return mediaType?.StartsWith("image/", StringComparison.Ordinal) == true
                ? row with
                {
                    Outcome = ProbeRow.Ok,
                    Bytes = body.Length,
                    MadeAt = answer.Headers.TryGetValues(ImageAnswer.UpstreamHeader, out var upstream) ? upstream.First() : null,
                }
                : row with { Error = $"the answer is {mediaType ?? "of no type"} and no image" };
        }

        try
        {
            var error = GatewayJson.DeserializeError(body);
            return row with { Type = error.Type, Error = error.Error ?? "the answer does not say why", Upstream = error.Upstream };
        }
        catch (JsonException)
        {
            return row with { Error = $"the answer is {mediaType ?? "of no type"} and not the gateway's" };
        }
    }
}
