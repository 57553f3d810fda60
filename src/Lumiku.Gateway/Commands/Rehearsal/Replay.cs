using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands.Rehearsal;

/// <summary>Has logged requests decided on by other settings, with the parts that decide in a gateway and a clock that follows the log.</summary>
/// <param name="settings">The candidate.</param>
/// <param name="knowsEveryCaller">Callers and their rights are those of the log, as far as the settings say nothing else: variables are not here.</param>
internal sealed class Replay(GatewaySettings settings, bool knowsEveryCaller) : IDisposable
{
    private readonly ReplayClock _clock = new();
    private readonly PriorityQueue<Moment, (long Ticks, int Line, bool IsEnd)> _moments = new();
    private readonly Dictionary<string, TimeSpan> _usualTime = new(StringComparer.OrdinalIgnoreCase);
    private readonly UnitsBefore _before = new();
    private readonly HeldSlots _held = new();
    private MemoryLimitStore _store = null!;

    /// <returns>What would have become of each, in the order of the lines.</returns>
    public async Task<Verdict[]> RunAsync(IReadOnlyList<LoggedRequest> requests)
    {
        var verdicts = new Verdict[requests.Count];
        for (var line = 0; line < requests.Count; line++)
        {
            // At the same instant in the order of the lines: whoever ended first may have been waited for.
            _moments.Enqueue(new Moment(line, Ends: null), (requests[line].Began.UtcTicks, line, false));
        }

        foreach (var model in requests.Where(request => request is { IsCharged: true, ServedModel: not null }).GroupBy(request => request.ServedModel!, StringComparer.OrdinalIgnoreCase))
        {
            TimeSpan[] times = [.. model.Select(request => request.HeldSlot).Order()];
            _usualTime[model.Key] = times[times.Length / 2];
        }

        _clock.Now = requests.Count == 0 ? default : requests.Min(request => request.Began);
        _store = new MemoryLimitStore(_clock);
        while (_moments.TryDequeue(out var moment, out var at))
        {
            _clock.Now = new DateTimeOffset(at.Ticks, TimeSpan.Zero);
            await _held.RenewAsync(_store, _clock.Now);
            if (moment.Ends is { } ends)
            {
                await EndAsync(ends);
            }
            else
            {
                verdicts[moment.Line] = await BeginAsync(requests[moment.Line], moment.Line);
            }
        }

        return verdicts;
    }

    public void Dispose() => _store?.Dispose();

    private async Task<Verdict> BeginAsync(LoggedRequest request, int line)
    {
        if (FindCaller(request) is not { } caller)
        {
            return Verdict.Refused(GatewayProblem.Unauthenticated().Type);
        }

        if (Identify(caller, request) is not { } identity)
        {
            return Verdict.Refused(GatewayProblem.UnknownTier(request.Tier!, settings.Tiers.Names).Type);
        }

        if (!request.ReachedLimits && !request.IsRefusedByCatalog)
        {
            return request.Then; // Its body, mostly.
        }

        if (settings.Models.Find(request.ModelId!) is not { } requested)
        {
            return Verdict.Refused(GatewayProblem.ModelNotListed(request.ModelId!).Type);
        }

        var choice = request.IsPost ? settings.Models.Choose(requested, identity.Tier) : new ModelChoice(requested, requested);
        return choice is null
            ? Verdict.Refused(GatewayProblem.ModelNotInTier(requested.Id, requested.Options.Requires!, identity.Tier.Name).Type)
            : await AdmitAsync(request, line, AccountOf(identity, request), choice);
    }

    private async Task<Verdict> AdmitAsync(LoggedRequest request, int line, Account account, ModelChoice choice)
    {
        var (lease, violated, usage) = await _store.AdmitAsync(account, takesSlot: request.IsPost);
        if (violated != LimitPolicies.None)
        {
            return Verdict.Refused(LimitProblems.NotAdmitted(account, violated, usage).Type);
        }

        var running = new Running(account, lease, Reservation: null, Charged: 0);
        var wantsImage = request.IsRefused || request.UnitsWanted is not null;
        if (request.IsPost && choice.Served.MakesImages && wantsImage && !request.IsRefusedOtherwise)
        {
            var units = choice.Served.Options.Units;
            var (reservation, lacking, left) = await _store.ReserveAsync(account, units, lapsesAfter: TimeSpan.FromDays(1));
            if (reservation is null)
            {
                await EndAsync(running);
                return Verdict.Refused(LimitProblems.QuotaExceeded(account, lacking, left, units).Type);
            }

            running = running with { Reservation = reservation, Charged = ChargedFor(request, units) };
        }

        var takes = request.IsRefused ? _usualTime.GetValueOrDefault(choice.Served.Id) : request.HeldSlot;
        _held.Add(lease);
        _moments.Enqueue(new Moment(line, running), ((_clock.Now + takes).UtcTicks, line, true));
        return request.IsRefusedOtherwise ? request.Then : new Verdict(Refusal: null, SubstitutionOf(request, choice), running.Charged);
    }

    private async Task EndAsync(Running running)
    {
        if (running.Lease is { } lease)
        {
            _held.Remove(lease);
            await _store.ReleaseAsync(lease, running.Account);
        }

        if (running.Reservation is { } reservation)
        {
            await _store.SettleAsync(reservation, running.Charged);
        }
    }

    private Caller? FindCaller(LoggedRequest request)
    {
        if (request.Caller == Caller.Operator.Name)
        {
            return Caller.Operator;
        }

        var found = settings.FindCaller(request.Caller);
        return knowsEveryCaller ? new Caller(request.Caller, ActsForUsers: true, found?.Tier ?? request.Tier, found?.Limits) : found;
    }

    private Identity? Identify(Caller caller, LoggedRequest request)
    {
        if (caller == Caller.Operator)
        {
            return new Identity(caller.Name, User: null, settings.Tiers.Operator, settings.Tiers.Operator.Limits);
        }

        // Of a token the bearer is the user; a caller may have lost the right to name one.
        return caller.ActsForUsers || caller == Caller.TokenBearer
            ? settings.Tiers.Identify(caller, request.User, request.NamesTier ? request.Tier : null)
            : settings.Tiers.Identify(caller, user: null, tierName: null);
    }

    private Account AccountOf(Identity identity, LoggedRequest request) => new(
        identity.Owner, identity.Tier.Name, _before.Left(identity.Owner, identity.Limits, request, settings.Quota.At(_clock.Now)), settings.Quota);

    /// <summary>A fallback's image costs what the fallback costs, and never more than was reserved.</summary>
    private int ChargedFor(LoggedRequest request, int reserved) =>
        !request.IsRefused && !request.IsCharged ? 0
        : request is { HasFallenBack: true, ServedModel: { } fallback } && settings.Models.Find(fallback) is { } model ? Math.Min(reserved, model.Options.Units)
        : reserved;

    private static string? SubstitutionOf(LoggedRequest request, ModelChoice choice) =>
        request.HasFallenBack && choice.Served.Id != request.ServedModel ? ModelChoice.ByUpstream
        : choice.IsSubstituted ? ModelChoice.ByEntitlement
        : null;

    /// <param name="Ends">Null: a request begins.</param>
    private sealed record Moment(int Line, Running? Ends);

    /// <param name="Lease">Null for a look at a model.</param>
    /// <param name="Reservation">Null where no image is made for it.</param>
    private sealed record Running(Account Account, RequestLease? Lease, UnitReservation? Reservation, int Charged);
}
