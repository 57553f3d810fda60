using System.Diagnostics;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ResponseCaching.Purging;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Generation;

/// <summary>Answers a request for an image with one that is made for it, or for another that asks the same: 502 or 504 where there is none.</summary>
/// <remarks>A caller who leaves stops waiting, not the generation.</remarks>
internal sealed class GenerationMiddleware(
    RequestDelegate next, Flights flights, Generator generator, Landings landings, AnsweredRequests answered, Draining draining, GatewayMetrics metrics, TimeProvider time)
{
    /// <summary>When to ask again for an image that is still being made.</summary>
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(10);

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<CacheTerms>() is not { } terms)
        {
            await next(context);
            return;
        }

        var started = time.GetTimestamp();
        using var seat = flights.Board(terms);
        var hasReceived = false;
        try
        {
            PrepareToWait(context, seat);
            hasReceived = await ServeAsync(context, seat, started);
        }
        finally
        {
            context.GetRequestRecord().Story.Left(seat);
            if (hasReceived)
            {
                landings.Receive(seat);
            }
            else
            {
                landings.Leave(seat);
            }
        }
    }

    /// <summary>What is needed to make the image passes to the flight; who waits holds no body.</summary>
    private static void PrepareToWait(HttpContext context, Seat seat)
    {
        var request = context.GetInferenceRequest();
        if (seat.IsOpener)
        {
            seat.Flight.Plan ??= GenerationPlan.For(context, seat.Terms);
            seat.Flight.Room ??= request.TakeUpstreamRoom(seat.Flight.Plan.BodyBytes);
            PromptDigest.Tell(context.GetRequestRecord(), request);
        }

        context.Features.Set(context.GetUpstreamRequest() with { Body = default });
        request.Dispose();
    }

    /// <returns>Whether the caller has the image.</returns>
    private async Task<bool> ServeAsync(HttpContext context, Seat seat, long started)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, draining.AnswersDue);
        while (true)
        {
            var (refusal, isInTime) = seat.IsOpener ? await OpenAsync(context, seat, started, leaving.Token) : (null, true);
            if (refusal is not null)
            {
                await refusal.ExecuteAsync(context);
                return false;
            }

            GenerationResult? result = null;
            if (isInTime)
            {
                (result, isInTime) = await WaitAsync(context, seat, started, leaving.Token);
            }

            if (!isInTime)
            {
                await Unready(seat, context.GetUpstreamRequest().Model.Served).ExecuteAsync(context);
                return false;
            }

            if (result is not null)
            {
                return await AnswerAsync(context, seat, result);
            }
        }
    }

    /// <returns>Not in time where it waited for another replica's generation, and the wait limit, or the end of draining, came first.</returns>
    private async Task<(GatewayProblem? Refusal, bool IsInTime)> OpenAsync(HttpContext context, Seat seat, long started, CancellationToken leaving)
    {
        try
        {
            var refusal = await generator.OpenAsync(seat, context.GetAccount(), Left(context, started), leaving);
            if (refusal is not null || seat.HasOpened)
            {
                context.GetRequestRecord().Facts["UnitsWanted"] = context.GetUpstreamRequest().Model.Served.Options.Units;
            }

            return (refusal, true);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return (null, false);
        }
    }

    /// <summary>What is left of the caller's wait.</summary>
    private TimeSpan Left(HttpContext context, long started)
    {
        var left = context.GetSettings().Generation.WaitLimitOf(context.GetUpstreamRequest().Model.Served) - time.GetElapsedTime(started);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <returns>No result where it is this caller's turn to open; not in time where the wait limit, or the end of draining, came first.</returns>
    private async Task<(GenerationResult? Result, bool IsInTime)> WaitAsync(HttpContext context, Seat seat, long started, CancellationToken leaving)
    {
        metrics.WaitingChanged(1);
        try
        {
            return (await seat.Turn.WaitAsync(Left(context, started), time, leaving), true);
        }
        catch (TimeoutException)
        {
            return (null, false);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return (null, false);
        }
        finally
        {
            metrics.WaitingChanged(-1);
            // Who does not wait to the end has waited for upstream all the same.
            context.GetRequestRecord().UpstreamTime = time.GetElapsedTime(started);
        }
    }

    private GatewayProblem Unready(Seat seat, Model model) =>
        seat.Flight.Trouble is { } trouble ? trouble.ToProblem(model.Id)
        : draining.AnswersDue.IsCancellationRequested ? GatewayProblem.StoppingBeforeAnswer()
        : seat.Terms.IsPrivate ? GatewayProblem.StillGeneratingForNobody(AskAgain)
        : GatewayProblem.StillGenerating(AskAgain);

    private async Task<bool> AnswerAsync(HttpContext context, Seat seat, GenerationResult result)
    {
        if (result.Image is null)
        {
            ModelSubstitutionMiddleware.SetServed(context, result.Model);
            await result.Failure!.ToProblem(result.Model).ExecuteAsync(context);
            return false;
        }

        var outcome = result.Kept is not null ? CacheOutcome.Hit
            : seat.Terms.IsPrivate ? CacheOutcome.Bypass
            : seat.HasOpened && !result.IsShared ? CacheOutcome.Miss
            : CacheOutcome.Coalesced;
        if (outcome == CacheOutcome.Coalesced)
        {
            Spans.Link(Activity.Current, seat.Flight.Span);
        }

        var answer = new ImageAnswer(result.Image, outcome, result.Kept, result.IsStored, seat.HasOpened ? result.Units : 0);
        answered.Add(context.TraceIdentifier, result.Image.ETag);
        await answer.WriteAsync(context, seat.Terms);
        return true;
    }
}
