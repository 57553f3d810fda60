using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;

namespace Lumiku.Gateway.Commands.Rehearsal;

/// <summary>What owners had used when the log begins, by the first line of each: logs rarely begin with a month.</summary>
internal sealed class UnitsBefore
{
    private readonly Dictionary<Owner, Use> _owners = [];

    /// <summary>The limits, less what was used before in the periods of the owner's first line.</summary>
    public UsageLimits Left(Owner owner, UsageLimits limits, LoggedRequest request, QuotaPeriods periods)
    {
        if (!_owners.TryGetValue(owner, out var use))
        {
            if (request.UnitsToday is not { } today)
            {
                return limits;
            }

            _owners[owner] = use = new Use(periods.Day.Id, today, periods.Month.Id, request.UnitsThisMonth);
        }

        var (day, month) = (use.DayId == periods.Day.Id ? use.Day : 0, use.MonthId == periods.Month.Id ? use.Month : 0);
        return day == 0 && month == 0 ? limits : new UsageLimits
        {
            RequestsPerMinute = limits.RequestsPerMinute,
            Burst = limits.Burst,
            ConcurrentRequests = limits.ConcurrentRequests,
            UnitsPerDay = Less(limits.UnitsPerDay, day),
            UnitsPerMonth = Less(limits.UnitsPerMonth, month),
        };
    }

    private static int? Less(int? limit, long used) => limit is null ? null : (int)Math.Clamp(limit.Value - used, 0, int.MaxValue);

    private readonly record struct Use(int DayId, long Day, int MonthId, long Month);
}
