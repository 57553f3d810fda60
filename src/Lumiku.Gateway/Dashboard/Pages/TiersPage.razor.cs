using System.Globalization;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Redis;
using Radzen;

namespace Lumiku.Gateway.Dashboard.Pages;

public sealed partial class TiersPage
{
    private const int MostUsers = 15;

    private List<(Tier Tier, TierDigest Used)> _tiers = [];
    private int _replicas;
    private DateTimeOffset? _since;
    private int _count;
    private List<UserDigest> _users = [];
    private string _user = "";
    private int _units = 10;
    private (Account Account, LimitUsage Usage)? _found;
    private string? _problem;
    private string? _done;
    private bool _isBusy;

    private protected override void Read()
    {
        var digest = Stories.Current;
        _tiers = [.. Settings.Value.Tiers.All.OrderBy(tier => tier.Name, StringComparer.Ordinal).Select(tier => (
            tier, digest.Tiers.FirstOrDefault(one => one.Tier.Equals(tier.Name, StringComparison.OrdinalIgnoreCase)) ?? TierDigest.None(tier.Name)))];
        (_since, _count, _replicas) = (digest.Since, digest.Count, digest.Replicas.Count);
        _users = [.. digest.Users.Take(MostUsers)];
    }

    private async Task Look()
    {
        (_found, _problem, _done) = (null, null, null);
        var user = _user.Trim();
        if (!EntitlementsMiddleware.IsValidUser(user))
        {
            _problem = GatewayProblem.InvalidUser(user.Length).Error;
            return;
        }

        _found = await Limits.FindAsync(Settings.Value, user, known: null);
    }

    private Task Grant() => OperatorLimits.IsGrant(_units)
        ? ChangeAsync(
            $"{(_units > 0 ? $"Grant {Words.Number(_units)} units to" : $"Take {Words.Number(-(long)_units)} units from")} this user, for today and this month?",
            _units > 0 ? "Grant" : "Take", account => Limits.GrantAsync(account, _units), $"{Words.Number(_units)} units are granted; the log has it.")
        : Task.CompletedTask;

    private Task Reset() => ChangeAsync(
        "Forget what this user has used and was granted today and this month?", "Reset", Limits.ResetAsync, "The limits are reset; the log has it.");

    private async Task ChangeAsync(string question, string yes, Func<Account, Task<LimitUsage>> change, string done)
    {
        if (_isBusy || _found is not var (account, _))
        {
            return;
        }

        (_problem, _done, _isBusy) = (null, null, true);
        try
        {
            if (await Dialogs.Confirm(question, $"User {account.Owner.UserDigits}", new ConfirmOptions { OkButtonText = yes, CancelButtonText = "Leave it" }) == true)
            {
                var usage = await change(account);
                (_found, _done) = ((account, usage), done);
            }
        }
        catch (RedisUnavailableException)
        {
            _problem = GatewayProblem.CountsUnreachable().Error;
        }
        finally
        {
            _isBusy = false;
        }
    }

    private static string Hot(int refused) => refused > 0 ? "fair-text" : "";

    private static string ShareOf(double? share) => share is { } known ? Words.Share((long)(known * 100), 100) : Words.Nothing;

    private static string LimitsOf(UsageLimits limits)
    {
        List<string> parts = [];
        Add(limits.RequestsPerMinute, "a minute");
        Add(limits.ConcurrentRequests, "at once");
        Add(limits.UnitsPerDay, "units a day");
        Add(limits.UnitsPerMonth, "a month");
        return parts.Count == 0 ? "none" : string.Join(", ", parts);

        void Add(int? limit, string what)
        {
            if (limit is { } most)
            {
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{most:#,0} {what}"));
            }
        }
    }
}
