using System.Diagnostics;
using System.Globalization;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Generation;

/// <summary>Has one model make an image: by the first of its upstreams whose breaker is not open, by the next where that fails, in as many attempts as can help.</summary>
internal sealed partial class ModelRun(UpstreamRoute routes, ModelPlaces places, Attempts attempts, Breakers breakers, GatewayMetrics metrics, TimeProvider time, ILogger<ModelRun> logger)
{
    private static readonly UpstreamFailure NoPlace = new(FailureClass.Overloaded, Status: null) { HasNoPlace = true };

    /// <returns>Null while the breakers of all that make its images are open: nobody was asked.</returns>
    public async Task<GenerationResult?> RunAsync(Flight flight, GenerationPlan plan, CancellationToken deadline)
    {
        var (began, askedBefore) = (time.GetTimestamp(), flight.AskedFor);
        var result = await RunMeasuredAsync(flight, plan, deadline);
        if (result is not null)
        {
            var took = time.GetElapsedTime(began);
            var queued = took - (flight.AskedFor - askedBefore);
            metrics.Generated(
                plan.Settings.Models.TagOf(plan.Model.Id), result.Failure?.Class.ToString() ?? "ok", took, queued > TimeSpan.Zero ? queued : TimeSpan.Zero, result.Image?.Content.Length ?? 0);
        }

        if (result?.Image is { } image)
        {
            metrics.Spent(plan.Settings, plan.Model.Id, plan.Settings.PriceOf(plan.Model, image.Upstream));
        }

        return result;
    }

    private async Task<GenerationResult?> RunMeasuredAsync(Flight flight, GenerationPlan plan, CancellationToken deadline)
    {
        IDisposable? place;
        try
        {
            place = await places.EnterAsync(plan.Model.Id, flight.Owner, plan.WaitLimit, () => flight.Trouble = NoPlace, deadline);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            place = null;
        }

        if (place is null)
        {
            Log.NoPlace(logger, plan.Model.Id, TraceId());
            return GenerationResult.Failed(plan, NoPlace);
        }

        using var held = place;
        flight.Trouble = null;
        GenerationResult? result = null;
        for (var serving = 0; serving < Math.Max(1, plan.Servings.Count); serving++)
        {
            var next = await AskAsync(flight, plan, serving, deadline);
            // What was never asked says less than what was.
            result = next?.Failure is { IsOurs: true } ? result ?? next : next ?? result;
            if (next is { Image: not null } || (next is { Failure: { } failure } && !plan.GoesOn(serving, failure)))
            {
                break;
            }

            flight.Trouble = null;
        }

        return result;
    }

    /// <returns>Null while its breaker is open: it was not asked.</returns>
    private async Task<GenerationResult?> AskAsync(Flight flight, GenerationPlan plan, int serving, CancellationToken deadline)
    {
        if (await TargetAsync(plan, serving) is not { } target)
        {
            Log.NoRoute(logger, plan.Request.Path);
            return GenerationResult.Failed(plan, FailureClass.Unreachable);
        }

        if (!plan.HasMore(serving))
        {
            return await AttemptAsync(flight, plan, serving, target, deadline);
        }

        var result = await breakers.RunAsync(target.Upstream, plan, failure => plan.GoesOn(serving, failure), () => AttemptAsync(flight, plan, serving, target, deadline));
        if (result is null)
        {
            flight.Story.Skip(plan.Model.Id, target.Upstream, time.GetTimestamp());
        }

        return result;
    }

    private async ValueTask<UpstreamTarget?> TargetAsync(GenerationPlan plan, int serving)
    {
        var planned = plan.Servings.Count == 0 ? null : plan.Servings[serving];
        if (planned?.Serving.Route is null)
        {
            return await routes.FindAsync(plan.Route, plan.Request) is { } matched ? matched with { Serving = planned?.Serving } : null;
        }

        // Its path is not known before the dialect has made it, and no transform can have a part of it.
        return planned.Route is null ? null : new UpstreamTarget(planned.Route, [], plan.Request.Path) { Serving = planned.Serving };
    }

    private async Task<GenerationResult> AttemptAsync(Flight flight, GenerationPlan plan, int serving, UpstreamTarget target, CancellationToken deadline)
    {
        ImageLease? image = null;
        UpstreamFailure? failure;
        try
        {
            (image, failure) = await attempts.MakeAsync(plan, target, kind => plan.GoesOn(serving, kind), flight, deadline);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            failure = flight.Trouble ?? new UpstreamFailure(FailureClass.Timeout, Status: null);
        }

        if (failure is not null)
        {
            Report(failure, plan, serving, target);
        }

        return new GenerationResult(image, failure, plan.Model.Id, TimeSpan.Zero) { Units = image is null ? 0 : plan.Model.Options.Units };
    }

    /// <summary>What upstream said is not logged: it may quote the prompt. The caller is shown it.</summary>
    private void Report(UpstreamFailure failure, GenerationPlan plan, int serving, UpstreamTarget target)
    {
        var model = plan.Model.Id;
        if (failure.Class == FailureClass.Account)
        {
            metrics.AccountRefused(plan.Settings.Models.TagOf(model));
            Log.AccountProblem(logger, target.Upstream, model, Status(failure), TraceId());
        }
        else if (serving + 1 < plan.Servings.Count && plan.GoesOn(serving, failure))
        {
            Log.NextAsked(logger, model, target.Upstream, failure.Class.ToString(), Status(failure), TraceId());
        }
        else
        {
            Log.Failed(logger, model, target.Upstream, failure.Class.ToString(), Status(failure), failure.Flaw ?? "no more is known", TraceId());
        }
    }

    private static string Status(UpstreamFailure failure) => failure.Status?.ToString(CultureInfo.InvariantCulture) ?? "none";

    /// <summary>Ties the line to those of the requests that waited.</summary>
    private static string TraceId() => Activity.Current?.TraceId.ToString() ?? "";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Upstream} refused our account for {Model} with {UpstreamStatus}: check the token, its permissions and the credits ({TraceId})")]
        public static partial void AccountProblem(ILogger logger, string upstream, string model, string upstreamStatus, string traceId);

        [LoggerMessage(2, LogLevel.Warning, "A generation with {Model} at {Upstream} failed: {FailureClass}, upstream status {UpstreamStatus}, {Flaw} ({TraceId})")]
        public static partial void Failed(ILogger logger, string model, string upstream, string failureClass, string upstreamStatus, string flaw, string traceId);

        [LoggerMessage(5, LogLevel.Information, "{Model} was not made at {Upstream} ({FailureClass}, upstream status {UpstreamStatus}): the next upstream is asked ({TraceId})")]
        public static partial void NextAsked(ILogger logger, string model, string upstream, string failureClass, string upstreamStatus, string traceId);

        [LoggerMessage(3, LogLevel.Error, "No route leads to {Path}, the model that serves instead of the requested one")]
        public static partial void NoRoute(ILogger logger, string path);

        [LoggerMessage(4, LogLevel.Warning, "A generation found no place among the ConcurrentGenerations of {Model} in time ({TraceId})")]
        public static partial void NoPlace(ILogger logger, string model, string traceId);
    }
}
