using System.Globalization;

namespace Lumiku.Gateway.RateLimiting;

/// <summary>What somebody is told who has reached a limit: which, how much it is, and when it frees.</summary>
internal static class LimitProblems
{
    /// <summary>When a slot frees nobody knows: an image takes from 5 to 90 s.</summary>
    private static readonly TimeSpan SlotGuess = TimeSpan.FromSeconds(5);

    /// <param name="violated">Requests, concurrency or both.</param>
    public static GatewayProblem NotAdmitted(Account account, LimitPolicies violated, LimitUsage usage)
    {
        var limits = usage.Limits;
        List<string> reasons = [];
        Dictionary<string, string> frees = [];
        if (violated.HasFlag(LimitPolicies.Requests))
        {
            reasons.Add($"requests: {limits.RequestsPerMinute} a minute with {limits.BucketSize} in one go; the next is taken in {GatewayProblem.WholeSeconds(usage.NextRequestIn)} s");
            frees["requests"] = Moment.RoundedUp(usage.At + usage.NextRequestIn);
        }

        if (violated.HasFlag(LimitPolicies.Concurrency))
        {
            reasons.Add($"concurrency: {limits.ConcurrentRequests} at once, and {usage.Running} under way; one is free when one of those is answered");
        }

        var detail = Sentence(account, reasons);
        if (!violated.HasFlag(LimitPolicies.Requests))
        {
            return GatewayProblem.TooManyAtOnce(limits.ConcurrentRequests!.Value, SlotGuess) with { Detail = detail, ViolatedPolicies = violated.Names() };
        }

        var retryAfter = violated.HasFlag(LimitPolicies.Concurrency) && usage.NextRequestIn < SlotGuess ? SlotGuess : usage.NextRequestIn;
        return GatewayProblem.RateLimited(limits.RequestsPerMinute!.Value, limits.BucketSize, retryAfter) with { Detail = detail, ViolatedPolicies = violated.Names(), FreesAt = frees };
    }

    /// <param name="violated">Day, month or both.</param>
    /// <param name="units">What was asked for.</param>
    public static GatewayProblem QuotaExceeded(Account account, LimitPolicies violated, LimitUsage usage, int units)
    {
        var (limits, periods) = (usage.Limits, usage.Periods);
        var freesAt = violated.HasFlag(LimitPolicies.Month) ? periods.Month.End : periods.Day.End;

        // What an operator granted or took ends with its period: the one after it has the limit alone.
        var (isNeverOfDay, isNeverOfMonth) = (units > limits.UnitsPerDay, units > limits.UnitsPerMonth && freesAt >= periods.Month.End);
        List<string> reasons = [];
        Dictionary<string, string> frees = [];
        if (violated.HasFlag(LimitPolicies.Day) || isNeverOfDay)
        {
            Explain("day", limits.UnitsPerDay!.Value, usage.Day, periods.Day, isNeverOfDay);
        }

        if (violated.HasFlag(LimitPolicies.Month) || isNeverOfMonth)
        {
            Explain("month", limits.UnitsPerMonth!.Value, usage.Month, periods.Month, isNeverOfMonth);
        }

        var problem = isNeverOfDay || isNeverOfMonth ? GatewayProblem.QuotaTooSmall(units, freesAt - usage.At)
            : GatewayProblem.QuotaExceeded(violated.HasFlag(LimitPolicies.Month) ? "month" : "day", units, Moment.RoundedUp(freesAt), freesAt - usage.At);
        return problem with { Detail = Sentence(account, reasons), ViolatedPolicies = violated.Names(), FreesAt = frees.Count == 0 ? null : frees };

        void Explain(string name, int limit, UnitCount count, QuotaPeriod period, bool isNever)
        {
            var granted = count.Granted == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" and {count.Granted:+0;-0} granted");
            var needed = $"{name}: {limit} units{granted}, {count.Left(limit)} left, {units} needed";
            if (isNever)
            {
                reasons.Add($"{needed}, which is more than there is {(count.Granted > 0 ? "without a grant" : "at all")}");
            }
            else
            {
                reasons.Add($"{needed}; anew at {Moment.RoundedUp(period.End)}");
                frees[name] = Moment.RoundedUp(period.End);
            }
        }
    }

    private static string Sentence(Account account, List<string> reasons) =>
        $"Limits of {(account.IsCallersOwn ? $"the caller '{account.Owner.Id}'" : $"the tier '{account.Tier}'")}: {string.Join("; ", reasons)}.";
}
