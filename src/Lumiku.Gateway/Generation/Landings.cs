using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation;

/// <summary>How flights end: for those who wait here, for those who left, and for the replicas that followed.</summary>
/// <param name="shared">Null: each replica makes its own.</param>
internal sealed class Landings(Flights flights, KeptImages kept, TimeProvider time, SharedFlights? shared = null)
{
    /// <summary>How long an image waits for the replicas that followed its generation, where it is not kept for everybody.</summary>
    private static readonly TimeSpan FollowersTime = TimeSpan.FromMinutes(1);

    /// <summary>A caller waits no longer, without the image: it finds it when it asks again.</summary>
    public void Leave(Seat seat)
    {
        if (flights.Leave(seat) is { Lease: { } image } result && !seat.Terms.IsPrivate && !IsForEverybody(seat.Flight.Plan!, result))
        {
            Claim(seat.Terms.Claim, image, seat.Flight.Plan!);
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

    /// <summary>Ends the opener's flight where its image was made, and kept here, between the opener's look and its seat.</summary>
    public bool HasFound(Seat opener) => MayHaveKept(opener) && kept.TryFind(opener.Terms.Key, out var found) && LandKept(opener, found);

    /// <summary>Takes the lead of an opener's flight for all replicas; or ends the flight as the one of a replica that led before.</summary>
    /// <param name="patience">For how long another is followed.</param>
    /// <returns>The lead; null where each replica makes its own. Over: the flight has landed, and there is no lead.</returns>
    /// <exception cref="OperationCanceledException">The following was ended.</exception>
    public async Task<(SharedFlights.FlightLead? Lead, bool IsOver)> LeadAsync(Seat opener, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (shared is null || opener.Terms.IsPrivate)
        {
            return (null, false);
        }

        using var limit = new CancellationTokenSource(patience, time);
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var (lead, outcome, token) = await shared.LeadOrFollowAsync(opener.Terms.Key, waiting.Token);
        if (lead is null)
        {
            // Where Redis does not take images, all who followed would lead one after the other: each makes its own, as without Redis.
            return (null, await HasLandedAsync(opener, outcome!, token!));
        }

        try
        {
            // It may have been made between our look and our lead.
            if (MayHaveKept(opener) && await kept.FindAsync(opener.Terms.Key) is { } found && LandKept(opener, found))
            {
                await lead.DisposeAsync();
                return (null, true);
            }

            return (lead, false);
        }
        catch
        {
            await lead.DisposeAsync();
            throw;
        }
    }

    /// <summary>Keeps the image, and answers all, in this order: whoever asks later finds either the flight or the image.</summary>
    /// <param name="lead">Null: no other replica follows.</param>
    public async Task LandAsync(Flight flight, GenerationPlan plan, GenerationResult result, SharedFlights.FlightLead? lead)
    {
        if (result.Lease is { } made && IsOwn(plan, result) && plan.Terms is { IsPrivate: false, IsReusable: true })
        {
            result = result with { IsStored = kept.Keep(plan.Terms.Key, made, plan.Model.Options.CacheFor) };
        }

        if (lead is not null && result.Lease is not null && !plan.Terms.IsReusable)
        {
            await lead.CloseAsync();
        }

        var claims = Land(flight, plan, result, plan.Settings.Generation.FailureMemory);
        await ShareAsync(plan, result, lead, claims);
    }

    /// <summary>Whether a kept image would do for the opener.</summary>
    private static bool MayHaveKept(Seat opener) => opener.Terms is { Reads: true, IsReusable: true };

    /// <returns>True.</returns>
    private bool LandKept(Seat opener, KeptImage found)
    {
        using var lease = found.Lease;
        flights.Land(opener.Terms.Key, opener.Flight, GenerationResult.OfKept(found), TimeSpan.Zero);
        return true;
    }

    /// <summary>Answers all who wait here; for those who left, an image waits.</summary>
    /// <returns>The claims of those who left.</returns>
    private IReadOnlyCollection<ImageClaim> Land(Flight flight, GenerationPlan plan, GenerationResult result, TimeSpan failureMemory)
    {
        var claims = flights.Land(plan.Terms.Key, flight, result, failureMemory);
        if (result.Lease is { } image && !plan.Terms.IsPrivate && !IsForEverybody(plan, result))
        {
            Claim(claims, image, plan);
        }

        return claims;
    }

    /// <summary>For the other replicas: first the image, then the word that it is there.</summary>
    /// <param name="claims">Of those who left: a copy waits for each where, after all, the image is kept for everybody nowhere.</param>
    private async Task ShareAsync(GenerationPlan plan, GenerationResult result, SharedFlights.FlightLead? lead, IReadOnlyCollection<ImageClaim> claims)
    {
        var isForEverybody = IsForEverybody(plan, result);
        if (result.Lease is { } image)
        {
            if (isForEverybody)
            {
                if (!await kept.ShareAsync(plan.Terms.Key, image, plan.Model.Options.CacheFor) && !kept.IsHere(plan.Terms.Key))
                {
                    Claim(claims, image, plan);
                }
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
        opener.Flight.Story.IsOfAnotherReplica = true;
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

    private void Claim(IReadOnlyCollection<ImageClaim> claims, ImageLease image, GenerationPlan plan)
    {
        foreach (var claim in claims)
        {
            Claim(claim, image, plan);
        }
    }

    /// <summary>Has an image wait for one owner who did not receive it.</summary>
    private void Claim(ImageClaim claim, ImageLease image, GenerationPlan plan) => kept.Claim(claim, image, CacheTerms.ClaimFor(plan.Model.Options));

    /// <summary>Whether who left finds the image under the flight's own key; else a copy waits for each.</summary>
    private static bool IsForEverybody(GenerationPlan plan, GenerationResult result) =>
        result.IsStored && IsOwn(plan, result) && plan.Terms.IsReusable;

    /// <summary>The planned model made it; a fallback's image is kept by the fallback's flight, under its own key.</summary>
    private static bool IsOwn(GenerationPlan plan, GenerationResult result) => result.Model == plan.Model.Id;
}
