using System.Diagnostics;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation;

/// <summary>Has images made: opens flights, pays for them, falls back, keeps what was made.</summary>
/// <remarks>A flight belongs to nobody's connection: once started it goes on to its end or its deadline.</remarks>
internal sealed partial class Generator(
    Flights flights, KeptImages kept, IUnitLedger ledger, AbandonedGenerations abandoned, ModelRun run, RunningGenerations running, TimeProvider time, ILogger<Generator> logger,
    SharedFlights? shared = null)
{
    /// <summary>What a reservation outlives its generation's deadline by: it lapses only where its gateway died.</summary>
    private static readonly TimeSpan SettlingTime = TimeSpan.FromMinutes(1);

    /// <summary>When one of the abandoned generations may have ended.</summary>
    private static readonly TimeSpan AbandonedGuess = TimeSpan.FromSeconds(10);

    /// <summary>How long an image waits for the replicas that followed its generation, where it is not kept for everybody.</summary>
    private static readonly TimeSpan FollowersTime = TimeSpan.FromMinutes(1);

    /// <summary>Reserves the opener's units and starts the flight; or, where another replica has it made, waits for that.</summary>
    /// <param name="patience">For how long.</param>
    /// <returns>Why the opener may not, which is its own affair: once it leaves its seat, the next in line opens. Null: the flight is under way, or over.</returns>
    /// <exception cref="OperationCanceledException">The waiting ended.</exception>
    public async ValueTask<GatewayProblem?> OpenAsync(Seat opener, Account account, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (FoundMeanwhile(opener))
        {
            return null;
        }

        if (shared is null || opener.Terms.IsPrivate)
        {
            return await OpenAsync(opener, account, lead: null);
        }

        using var limit = new CancellationTokenSource(patience, time);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var (lead, outcome, token) = await shared.LeadOrFollowAsync(opener.Terms.Key, waiting.Token);
        if (lead is null)
        {
            // Where Redis does not take images, all who followed would lead one after the other: each makes its own, as without Redis.
            return await HasLandedAsync(opener, outcome!, token!) ? null : await OpenAsync(opener, account, lead: null);
        }

        var isStarted = false;
        try
        {
            // It may have been made between our look and our lead.
            if (opener.Terms is { Reads: true, IsReusable: true } && await kept.FindAsync(opener.Terms.Key) is { } found)
            {
                using var lease = found.Lease;
                flights.Land(opener.Terms.Key, opener.Flight, GenerationResult.OfKept(found), TimeSpan.Zero);
                return null;
            }

            var refusal = await OpenAsync(opener, account, lead);
            isStarted = refusal is null;
            return refusal;
        }
        finally
        {
            if (!isStarted)
            {
                await lead.DisposeAsync();
            }
        }
    }

    private async ValueTask<GatewayProblem?> OpenAsync(Seat opener, Account account, SharedFlights.FlightLead? lead)
    {
        var plan = opener.Flight.Plan!;
        var most = plan.Settings.Generation.AbandonedPerUser;
        if (abandoned.CountOf(account.Owner) >= most)
        {
            return GatewayProblem.TooManyAbandoned(most, AbandonedGuess);
        }

        var (reservation, refusal) = await ledger.ReserveAsync(account, plan.Model.Options.Units, plan.Settings.Generation.Deadline + SettlingTime);
        if (reservation is not null)
        {
            Start(opener, plan, account.Owner, reservation, lead, plan.Settings.Generation.Deadline);
        }

        return refusal;
    }

    /// <summary>A caller waits no longer, without the image: it finds it when it asks again.</summary>
    public void Leave(Seat seat)
    {
        if (flights.Leave(seat) is { Lease: { } image } result && !seat.Terms.IsPrivate && !IsForEverybody(seat.Flight.Plan!, result))
        {
            Claim(seat.Terms.ClaimKey, image, seat.Flight.Plan!);
        }
    }

    /// <summary>A caller has the image: no copy waits for it any more.</summary>
    public void Receive(Seat seat)
    {
        if (!seat.Terms.IsPrivate)
        {
            kept.Remove(seat.Terms.ClaimKey);
        }
    }

    /// <summary>Has an image wait for one owner who did not receive it.</summary>
    private void Claim(CacheKey claim, ImageLease image, GenerationPlan plan)
    {
        kept.Claim(claim, image, CacheTerms.ClaimFor(plan.Model.Options));
    }

    /// <summary>The image may have been made between the opener's look and its seat.</summary>
    private bool FoundMeanwhile(Seat opener)
    {
        if (opener.Terms is not { Reads: true, IsReusable: true } || !kept.TryFind(opener.Terms.Key, out var found))
        {
            return false;
        }

        using var lease = found.Lease;
        flights.Land(opener.Terms.Key, opener.Flight, GenerationResult.OfKept(found), TimeSpan.Zero);
        return true;
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
                using (StartActivity(caller))
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

    private static Activity StartActivity(Activity? caller)
    {
        var activity = new Activity("generation");
        if (caller is { IdFormat: ActivityIdFormat.W3C })
        {
            activity.SetParentId(caller.TraceId, caller.SpanId, caller.ActivityTraceFlags);
        }

        return activity.SetIdFormat(ActivityIdFormat.W3C).Start();
    }

    /// <summary>Makes, settles, keeps, answers, in this order: whoever asks later finds either the flight or the image.</summary>
    private async Task FlyAsync(Flight flight, GenerationPlan plan, UnitReservation? reservation, SharedFlights.FlightLead? lead, TimeSpan deadline)
    {
        using var ending = new CancellationTokenSource(deadline, time);
        (flight.Began, flight.Deadline) = (time.GetTimestamp(), deadline);
        var result = await MakeAsync(flight, plan, ending.Token);
        using var lease = result.Lease;
        if (reservation is not null)
        {
            result = result with { Units = Math.Min(result.Units, reservation.Units) };
            await SettleAsync(reservation, result.Units);
        }

        if (result.Lease is { } made && IsOwn(plan, result) && plan.Terms is { IsPrivate: false, IsReusable: true })
        {
            result = result with { IsStored = kept.Keep(plan.Terms.Key, made, plan.Model.Options.CacheFor) };
        }

        if (lead is not null && result.Lease is not null && !plan.Terms.IsReusable)
        {
            await lead.CloseAsync();
        }

        Land(flight, plan, result, plan.Settings.Generation.FailureMemory);
        await ShareAsync(plan, result, lead);
    }

    /// <summary>Answers all who wait here; for those who left, an image waits.</summary>
    private void Land(Flight flight, GenerationPlan plan, GenerationResult result, TimeSpan failureMemory)
    {
        var claims = flights.Land(plan.Terms.Key, flight, result, failureMemory);
        if (result.Lease is { } image && !plan.Terms.IsPrivate && !IsForEverybody(plan, result))
        {
            foreach (var claim in claims)
            {
                Claim(claim, image, plan);
            }
        }
    }

    /// <summary>For the other replicas: first the image, then the word that it is there.</summary>
    private async Task ShareAsync(GenerationPlan plan, GenerationResult result, SharedFlights.FlightLead? lead)
    {
        var isForEverybody = IsForEverybody(plan, result);
        if (result.Lease is { } image)
        {
            if (isForEverybody)
            {
                await kept.ShareAsync(plan.Terms.Key, image, plan.Model.Options.CacheFor);
            }
            else if (lead?.Token is { } token)
            {
                await kept.ShareAsync(SharedFlights.ImageOf(plan.Terms.Key, token), image, FollowersTime);
            }
        }

        if (lead is not null)
        {
            await lead.LandAsync(FlightOutcome.Of(result, isForEverybody));
        }
    }

    /// <summary>Ends a flight as the one of another replica that it followed.</summary>
    /// <returns>False where there should be an image, and it cannot be found.</returns>
    private async Task<bool> HasLandedAsync(Seat opener, FlightOutcome outcome, string token)
    {
        var plan = opener.Flight.Plan!;
        if (outcome.Failure is { } failure)
        {
            Land(opener.Flight, plan, new GenerationResult(Lease: null, failure, outcome.Model, TimeSpan.Zero), plan.Settings.Generation.FailureMemory);
            return true;
        }

        if (await kept.FindSharedAsync(outcome.IsStored ? plan.Terms.Key : SharedFlights.ImageOf(plan.Terms.Key, token), outcome.IsStored) is not { } found)
        {
            return false;
        }

        using var lease = found.Lease;
        Land(opener.Flight, plan, new GenerationResult(lease, Failure: null, outcome.Model, TimeSpan.Zero) { IsShared = true, IsStored = outcome.IsStored }, TimeSpan.Zero);
        return true;
    }

    /// <summary>Whether who left finds the image under the flight's own key; else a copy waits for each.</summary>
    private static bool IsForEverybody(GenerationPlan plan, GenerationResult result) =>
        result.IsStored && IsOwn(plan, result) && plan.Terms.IsReusable;

    /// <summary>The planned model made it; a fallback's image is kept by the fallback's flight, under its own key.</summary>
    private static bool IsOwn(GenerationPlan plan, GenerationResult result) => result.Model == plan.Model.Id;

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
            if (plan.Fallback is { } fallback && (result is null || (result.Failure is { HasNoPlace: false } failure && plan.FallsBackOn(failure.Class))))
            {
                Log.FallingBack(logger, plan.Model.Id, fallback.Model.Id, result?.Failure?.Class.ToString() ?? "its breaker is open", Activity.Current?.TraceId.ToString() ?? "");
                flight.Trouble = null;
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
        GenerationResult? result = null;
        try
        {
            while (result is null)
            {
                if (seat.IsOpener)
                {
                    seat.Flight.Plan ??= fallback;
                    if (!FoundMeanwhile(seat))
                    {
                        await StartFallbackAsync(flight, seat, seat.Flight.Plan, deadline);
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
        SharedFlights.FlightLead? lead = null;
        if (shared is not null)
        {
            (lead, var outcome, var token) = await shared.LeadOrFollowAsync(plan.Terms.Key, deadline);
            if (lead is null && await HasLandedAsync(seat, outcome!, token!))
            {
                return;
            }
        }

        if (lead is not null && plan.Terms is { Reads: true, IsReusable: true } && await kept.FindAsync(plan.Terms.Key) is { } found)
        {
            using var lease = found.Lease;
            flights.Land(plan.Terms.Key, seat.Flight, GenerationResult.OfKept(found), TimeSpan.Zero);
            await lead.DisposeAsync();
            return;
        }

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
