using System.Diagnostics;
using System.Globalization;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Generation;

/// <summary>Has images made. A generation belongs to nobody's connection: once started it runs to its end or its deadline.</summary>
internal sealed partial class Generator(UpstreamAttempt attempt, RunningGenerations running, TimeProvider time, ILogger<Generator> logger)
{
    /// <summary>Starts a generation and returns at once.</summary>
    /// <param name="route">The YARP route that the caller's request matched.</param>
    /// <param name="accept">The one media type that is asked for.</param>
    /// <returns>Never faults: whatever goes wrong is in the result.</returns>
    public Task<GenerationResult> Start(RouteEndpoint route, UpstreamRequest request, string accept, GatewaySettings settings)
    {
        // Only the trace goes along; the caller's baggage and trace state stay with the caller.
        var caller = Activity.Current;
        var registration = running.Begin();
        using (ExecutionContext.SuppressFlow())
        {
            return Task.Run(async () =>
            {
                using (registration)
                using (var activity = StartActivity(caller))
                {
                    return await RunAsync(route, request, accept, settings);
                }
            });
        }
    }

    private static Activity StartActivity(Activity? caller)
    {
        var activity = new Activity("generation");
        if (caller is { IdFormat: ActivityIdFormat.W3C })
        {
            activity.SetParentId(caller.TraceId, caller.SpanId, caller.ActivityTraceFlags);
        }

        return activity.SetIdFormat(ActivityIdFormat.W3C).Start();
    }

    private async Task<GenerationResult> RunAsync(RouteEndpoint route, UpstreamRequest request, string accept, GatewaySettings settings)
    {
        var started = time.GetTimestamp();
        try
        {
            using var deadline = new CancellationTokenSource(settings.Generation.Deadline, time);
            var answer = await attempt.SendAsync(route, request, accept, settings, deadline.Token);
            var (image, failure) = UpstreamAnswerReader.Read(answer, settings);
            if (failure is not null)
            {
                Report(failure, request.Model.Served.Id);
            }

            return new GenerationResult(image, failure, time.GetElapsedTime(started));
        }
        catch (Exception exception)
        {
            Log.Broken(logger, request.Model.Served.Id, exception);
            return new GenerationResult(null, new UpstreamFailure(FailureClass.Failed, Status: null), time.GetElapsedTime(started));
        }
    }

    /// <summary>What upstream said is not logged: it may quote the prompt. The caller is shown it.</summary>
    private void Report(UpstreamFailure failure, string model)
    {
        if (failure.Class == FailureClass.Account)
        {
            Log.AccountProblem(logger, model, Status(failure), TraceId());
        }
        else
        {
            Log.Failed(logger, model, failure.Class.ToString(), Status(failure), failure.Flaw ?? "no more is known", TraceId());
        }
    }

    private static string Status(UpstreamFailure failure) => failure.Status?.ToString(CultureInfo.InvariantCulture) ?? "none";

    /// <summary>Ties the line to those of the requests that waited.</summary>
    private static string TraceId() => Activity.Current?.TraceId.ToString() ?? "";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Upstream refused our account for {Model} with {UpstreamStatus}: check the token, its permissions and the credits ({TraceId})")]
        public static partial void AccountProblem(ILogger logger, string model, string upstreamStatus, string traceId);

        [LoggerMessage(2, LogLevel.Warning, "A generation with {Model} failed: {FailureClass}, upstream status {UpstreamStatus}, {Flaw} ({TraceId})")]
        public static partial void Failed(ILogger logger, string model, string failureClass, string upstreamStatus, string flaw, string traceId);

        [LoggerMessage(3, LogLevel.Error, "A generation with {Model} broke")]
        public static partial void Broken(ILogger logger, string model, Exception exception);
    }
}
