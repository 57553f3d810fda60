using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Generation;

/// <summary>Asks upstream for an image, again where that can help and cannot cost twice.</summary>
/// <remarks>
/// Again only where the model surely did not run: it loads, it is overloaded, another account may be luckier, no connection came about.
/// After a timeout, or a connection that broke without an answer, it may have run, and is never asked again.
/// </remarks>
internal sealed class Attempts(Conversation conversation, TroubledModels troubled, TimeProvider time, Random random, GatewayMetrics metrics)
{
    /// <summary>Between attempts that got no connection.</summary>
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1)];

    /// <param name="goesOn">Whether somebody else is asked after trouble of this kind; it is waited for the less.</param>
    /// <param name="flight">Is told which trouble is being waited for.</param>
    /// <param name="deadline">Ends everything.</param>
    public async Task<(ImageLease? Image, UpstreamFailure? Failure)> MakeAsync(
        GenerationPlan plan, UpstreamTarget target, Func<FailureClass, bool> goesOn, Flight flight, CancellationToken deadline)
    {
        var model = (target.Upstream, plan.Model.Id);
        var started = time.GetTimestamp();
        var tried = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        UpstreamFailure? failure = null;
        for (var unconnected = 0; ;)
        {
            if (failure?.Repeat == RepeatRule.Soon)
            {
                await Task.Delay(random.Around(Pauses[unconnected++]), time, deadline);
            }

            // For callers whose time is up meanwhile.
            flight.Trouble = troubled.Of(model) ?? failure;
            var pass = await troubled.EnterAsync(model, trouble => Patience(plan, goesOn(trouble), started), deadline);
            if (pass.Verdict is { } verdict)
            {
                return (null, verdict);
            }

            flight.Trouble = null;
            var hasRepeated = failure?.Repeat == RepeatRule.Once || pass.IsOnceMore;
            (var image, failure, var hasAnother) = await AskAsync(plan, target, flight, pass, tried, deadline);
            if (failure is null || !MayAskAgain(failure, hasRepeated, unconnected, hasAnother))
            {
                return (image, failure);
            }

            flight.Story.AskAgain();
        }
    }

    private async Task<(ImageLease? Image, UpstreamFailure? Failure, bool HasAnother)> AskAsync(
        GenerationPlan plan, UpstreamTarget target, Flight flight, Pass pass, HashSet<string> tried, CancellationToken deadline)
    {
        // Whatever happens, those who wait for this attempt's verdict get one.
        var failure = new UpstreamFailure(FailureClass.Timeout, Status: null);
        var asked = time.GetTimestamp();
        flight.Story.Begin(plan.Model.Id, target.Upstream, asked);
        using var span = Spans.StartAttempt(plan.Model.Id);
        int? status = null;
        var triedBefore = tried.Count;
        try
        {
            var exchange = await conversation.HoldAsync(plan, target, tried, flight.Origin, deadline);
            (status, failure) = (exchange.Answer?.Status, exchange.Failure);
            flight.Story.Answered(exchange, plan);
            // Whoever is given the same one again would be so for ever.
            return (exchange.Image, failure, exchange.Answer?.HasAnotherDestination == true && tried.Count > triedBefore);
        }
        finally
        {
            var (ended, kind) = (time.GetTimestamp(), failure?.Class.ToString());
            var took = time.GetElapsedTime(asked, ended);
            flight.AskedFor += took;
            flight.Story.End(ended, failure);
            Spans.End(span, status, kind);
            metrics.Attempted(plan.Settings.Models.TagOf(plan.Model.Id), target.Upstream, kind, took);
            troubled.Report((target.Upstream, plan.Model.Id), pass, failure);
        }
    }

    private static bool MayAskAgain(UpstreamFailure failure, bool hasRepeated, int unconnected, bool hasAnother) => failure.Repeat switch
    {
        RepeatRule.Wait => true,
        RepeatRule.Once => !hasRepeated,
        RepeatRule.Soon => unconnected < Pauses.Length,
        _ => failure.IsOfAccount && hasAnother,
    };

    /// <summary>What is left of the time that trouble is waited for: the wait limit, or less where somebody else stands ready.</summary>
    private TimeSpan Patience(GenerationPlan plan, bool goesOn, long started)
    {
        var limit = plan.WaitLimit;
        if (goesOn && plan.Settings.Generation.FallbackAfter < limit)
        {
            limit = plan.Settings.Generation.FallbackAfter;
        }

        var left = limit - time.GetElapsedTime(started);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
