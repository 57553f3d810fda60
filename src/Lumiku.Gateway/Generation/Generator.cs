using System.Diagnostics;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.Generation;

/// <summary>Has images made: opens flights, pays for them, falls back.</summary>
/// <remarks>A flight belongs to nobody's connection: once started it goes on to its end or its deadline.</remarks>
internal sealed partial class Generator(
    Flights flights, Landings landings, KeptImages kept, IUnitLedger ledger, AbandonedGenerations abandoned, ModelRun run, RunningGenerations running, Draining draining, TimeProvider time,
    ILogger<Generator> logger)
{
    /// <summary>What a reservation outlives its generation's deadline by: it lapses only where its gateway died.</summary>
    private static readonly TimeSpan SettlingTime = TimeSpan.FromMinutes(1);

    /// <summary>When one of the abandoned generations may have ended.</summary>
    private static readonly TimeSpan AbandonedGuess = TimeSpan.FromSeconds(10);

    /// <summary>Reserves the opener's units and starts the flight; or, where another replica has it made, waits for that.</summary>
    /// <param name="patience">For how long.</param>
    /// <returns>Why the opener may not, which is its own affair: once it leaves its seat, the next in line opens. Null: the flight is under way, or over.</returns>
    /// <exception cref="OperationCanceledException">The waiting ended.</exception>
    public async ValueTask<GatewayProblem?> OpenAsync(Seat opener, Account account, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (landings.HasFound(opener))
        {
            return null;
        }

        var (lead, isOver) = await landings.LeadAsync(opener, patience, cancellationToken);
        if (isOver)
        {
            return null;
        }

        var isStarted = false;
        try
        {
            var refusal = await StartAsync(opener, account, lead);
            isStarted = refusal is null;
            return refusal;
        }
        finally
        {
            if (!isStarted && lead is not null)
            {
                await lead.DisposeAsync();
            }
        }
    }

    /// <summary>Reserves the opener's units and starts the flight.</summary>
    private async ValueTask<GatewayProblem?> StartAsync(Seat opener, Account account, SharedFlights.FlightLead? lead)
    {
        var plan = opener.Flight.Plan!.OpenedBy(opener.Terms.Identity.Tier);
        var most = plan.Settings.Generation.AbandonedPerUser;
        if (account.Owner != Owner.Operator && abandoned.CountOf(account.Owner) >= most)
        {
            return GatewayProblem.TooManyAbandoned(most, AbandonedGuess);
        }

        var (reservation, refusal) = await ledger.ReserveAsync(account, plan.Model.Options.Units, plan.Settings.Generation.Deadline + SettlingTime);
        if (reservation is not null)
        {
            opener.Flight.Origin = kept.OriginOf(account.Owner, opener.Terms.RequestId);
            Start(opener, plan, account.Owner, reservation, lead, plan.Settings.Generation.Deadline);
        }

        return refusal;
    }

    /// <param name="reservation">Null for a fallback's flight: the one that fell back pays.</param>
    /// <param name="lead">Null: no other replica follows.</param>
    /// <param name="deadline">What it may take as a whole.</param>
    private void Start(Seat opener, GenerationPlan plan, Owner owner, UnitReservation? reservation, SharedFlights.FlightLead? lead, TimeSpan deadline)
    {
        // Only the trace goes along; the caller's baggage and trace state stay with the caller.
        var caller = Activity.Current;
        var registration = running.Begin();
        opener.Flight.Start(opener, owner, reservation is null ? null : change => abandoned.Add(owner, change));
        using (ExecutionContext.SuppressFlow())
        {
            _ = Task.Run(async () =>
            {
                using (registration)
                await using (lead)
                using (opener.Flight.Span = Spans.StartGeneration(caller, plan.Model.Id))
                {
                    try
                    {
                        await FlyAsync(opener.Flight, plan, reservation, lead, deadline);
                    }
                    catch (Exception exception)
                    {
                        // A bug, after the making: nobody is left waiting for it.
                        Log.Broken(logger, plan.Model.Id, exception);
                        flights.Land(plan.Terms.Key, opener.Flight, GenerationResult.Failed(plan, FailureClass.Failed), TimeSpan.Zero);
                    }
                }
            });
        }
    }

    /// <summary>Makes, settles, and only then answers.</summary>
    private async Task FlyAsync(Flight flight, GenerationPlan plan, UnitReservation? reservation, SharedFlights.FlightLead? lead, TimeSpan deadline)
    {
        using var limit = new CancellationTokenSource(deadline, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, draining.Ending);
        (flight.Began, flight.Deadline) = (time.GetTimestamp(), deadline);
        var result = await MakeAsync(flight, plan, ending.Token);
        using var lease = result.Lease;
        if (result.Failure is not null && draining.Ending.IsCancellationRequested && lead is not null)
        {
            // It did not fail, it was ended: who follows makes it.
            await lead.DisposeAsync();
        }

        if (reservation is not null)
        {
            result = result with { Units = Math.Min(result.Units, reservation.Units) };
            await SettleAsync(reservation, result.Units);
        }

        await landings.LandAsync(flight, plan, result, lead);
    }

    private async ValueTask SettleAsync(UnitReservation reservation, int units)
    {
        try
        {
            await ledger.SettleAsync(reservation, units);
        }
        catch (Exception exception)
        {
            // The image is there; who waits for it does not pay for our bookkeeping.
            Log.NotSettled(logger, reservation.Id, units, exception);
        }
    }

    /// <returns>Never faults: whatever goes wrong is in the result.</returns>
    private async Task<GenerationResult> MakeAsync(Flight flight, GenerationPlan plan, CancellationToken deadline)
    {
        var started = time.GetTimestamp();
        GenerationResult? result;
        try
        {
            result = await run.RunAsync(flight, plan, deadline);
            if (plan.Fallback is { } fallback && (result is null || (result.Failure is { } failure && plan.FallsBackOn(failure))))
            {
                Log.FallingBack(logger, plan.Model.Id, fallback.Model.Id, result?.Failure?.Class.ToString() ?? "its breaker is open", Activity.Current?.TraceId.ToString() ?? "");
                flight.Trouble = null;
                flight.Story.FallBack(fallback, result?.Failure?.Class);
                result = await FallBackAsync(flight, fallback, deadline);
            }
        }
        catch (Exception exception)
        {
            Log.Broken(logger, plan.Model.Id, exception);
            result = GenerationResult.Failed(plan, FailureClass.Failed);
        }

        return result! with { UpstreamTime = time.GetElapsedTime(started) };
    }

    /// <summary>The fallback's image is looked up, shared and kept as if it had been asked for.</summary>
    private async Task<GenerationResult> FallBackAsync(Flight flight, GenerationPlan fallback, CancellationToken deadline)
    {
        if (fallback.Terms.IsPrivate)
        {
            return await MakeAsync(flight, fallback, deadline);
        }

        if (fallback.Terms is { Reads: true, IsReusable: true } && await kept.FindAsync(fallback.Terms.Key) is { } found)
        {
            return GenerationResult.OfKept(found);
        }

        var seat = flights.Board(fallback.Terms);
        flight.Story.Follow(seat.Flight.Story);
        GenerationResult? result = null;
        try
        {
            while (result is null)
            {
                if (seat.IsOpener)
                {
                    seat.Flight.Plan ??= fallback;
                    if (!landings.HasFound(seat))
                    {
                        // As it was planned here: the flight's own plan may be that of somebody with other entitlements.
                        await StartFallbackAsync(flight, seat, fallback, deadline);
                    }
                }

                result = await seat.Turn.WaitAsync(deadline);
            }

            return seat.HasOpened || result.Kept is not null ? result : result with { IsShared = true, Units = 0 };
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return GenerationResult.Failed(fallback, FailureClass.Timeout);
        }
        finally
        {
            if (result is null)
            {
                flights.Leave(seat);
                seat.Dispose();
            }
        }
    }

    /// <summary>Has the fallback's image made here, or follows the replica that has it made.</summary>
    private async Task StartFallbackAsync(Flight flight, Seat seat, GenerationPlan plan, CancellationToken deadline)
    {
        var (lead, isOver) = await landings.LeadAsync(seat, Timeout.InfiniteTimeSpan, deadline);
        if (isOver)
        {
            return;
        }

        seat.Flight.Origin = flight.Origin;
        // No longer than the one that pays for it: an image that comes later would be nobody's.
        var left = flight.Deadline - time.GetElapsedTime(flight.Began);
        Start(seat, plan, flight.Owner, reservation: null, lead, left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A generation with {Model} broke")]
        public static partial void Broken(ILogger logger, string model, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "{Fallback} makes the image that {Model} could not: {Reason} ({TraceId})")]
        public static partial void FallingBack(ILogger logger, string model, string fallback, string reason, string traceId);

        [LoggerMessage(3, LogLevel.Error, "The reservation {Reservation} could not be settled with {Units} units")]
        public static partial void NotSettled(ILogger logger, Guid reservation, int units, Exception exception);
    }
}
