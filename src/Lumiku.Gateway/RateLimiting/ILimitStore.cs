using Lumiku.Gateway.Entitlements;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>Where use is counted. Each call is one decision: all of it happens, or nothing.</summary>
/// <remarks>
/// Nothing here fails because a store is away: a store that can be away decides by itself meanwhile. Tests of what every store keeps to
/// are in <c>LimitStoreContract</c>.
/// </remarks>
internal interface ILimitStore
{
    /// <summary>Takes a place in requests a minute and, for a request that may run long, one of the requests at once; both or neither.</summary>
    /// <param name="takesSlot">False: only a place in requests a minute is taken and asked for.</param>
    public ValueTask<Admission> AdmitAsync(Account account, bool takesSlot);

    /// <summary>Frees a request's slot. A second time changes nothing.</summary>
    /// <returns>What is used without it.</returns>
    public ValueTask<LimitUsage> ReleaseAsync(RequestLease lease, Account account);

    /// <summary>Keeps slots for another <see cref="RequestLease.Lifetime"/>. One that has lapsed is taken again, whatever the limit: its request is under way. One that was freed stays free.</summary>
    public ValueTask RenewAsync(IReadOnlyCollection<RequestLease> leases);

    /// <summary>Reserves units of the running day and month; of both or of neither.</summary>
    /// <param name="units">0 or more; 0 is always granted.</param>
    /// <param name="lapsesAfter">When they are given back, if nobody has settled by then: longer than any generation takes.</param>
    public ValueTask<Booking> ReserveAsync(Account account, int units, TimeSpan lapsesAfter);

    /// <summary>Charges what was used and gives back the rest, in the day and month that it was reserved in. A second time changes nothing.</summary>
    /// <remarks>One that has lapsed is charged all the same, even beyond the limit: the image was made.</remarks>
    /// <param name="used">From 0, where no image came of it, to what was reserved.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="used"/> is neither; nothing is settled.</exception>
    public ValueTask SettleAsync(UnitReservation reservation, int used);

    /// <summary>What is used now; takes nothing.</summary>
    public ValueTask<LimitUsage> LookAsync(Account account);

    /// <summary>Adds to what the owner may use in the running day and month; a negative number takes from it.</summary>
    public ValueTask<LimitUsage> GrantAsync(Account account, int units);

    /// <summary>Forgets what the owner has used and was granted in the running day and month, and fills its bucket of requests. Requests and generations under way go on counting.</summary>
    public ValueTask<LimitUsage> ResetAsync(Account account);
}

/// <summary>Whether a request may go on.</summary>
/// <param name="Lease">Its slot; null where it was refused, or takes none.</param>
/// <param name="Violated">Every limit that refuses it; none: it is admitted.</param>
/// <param name="Usage">With this request where it was admitted.</param>
internal readonly record struct Admission(RequestLease? Lease, LimitPolicies Violated, LimitUsage Usage);

/// <summary>Whether units are set aside.</summary>
/// <param name="Reservation">Null where it was refused.</param>
/// <param name="Violated">Every limit that refuses it.</param>
/// <param name="Usage">With these units where they were granted.</param>
internal readonly record struct Booking(UnitReservation? Reservation, LimitPolicies Violated, LimitUsage Usage);

/// <summary>Units set aside for one generation.</summary>
/// <param name="Id">Made by the gateway: callers choose request ids, so those name no money.</param>
internal sealed record UnitReservation(Guid Id, Owner Owner, int Units);

/// <summary>One of the requests that an owner may have under way at once. It lapses unless it is renewed, so that one whose holder died is free again.</summary>
internal class RequestLease(Owner owner)
{
    /// <summary>How long a slot is held without being renewed.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(15);

    public Owner Owner => owner;
}
