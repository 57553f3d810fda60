using System.CommandLine;
using System.Globalization;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands;

/// <summary><c>limits show|grant|reset</c>: asks the gateway that runs, by <c>OPERATOR_KEY</c>, as what is used is known to it alone.</summary>
internal static class LimitsCommand
{
    private static readonly Argument<string> User = new("user") { Description = "The user's id, as X-Lumiku-User has it; with --caller, a caller's name." };
    private static readonly Option<bool> IsCaller = new("--caller") { Description = "The limits of a caller's own requests." };

    public static Command Create()
    {
        Argument<int> units = new("units") { Description = "How many more the user may use today and this month; a negative number takes units away." };
        var show = Action("show", "What one user has used, what is left, and when it frees.", HttpMethod.Get, "ops/limits");
        var grant = Action("grant", "Gives one user units for the running day and month, or takes them.", HttpMethod.Post, "ops/limits/grant", units);
        var reset = Action("reset", "Forgets what one user has used and was granted in the running day and month.", HttpMethod.Post, "ops/limits/reset");
        return new Command("limits", $"An operator's look at one user's limits, and correction; needs {ShortVariables.OperatorKey}.") { show, grant, reset };
    }

    private static Command Action(string name, string description, HttpMethod method, string path, Argument<int>? units = null)
    {
        var command = new Command(name, description) { User };
        if (units is not null)
        {
            command.Add(units);
        }

        command.Add(IsCaller);
        command.Add(OperatorClient.IsJson);
        command.Add(OperatorClient.Url);
        command.SetAction((parsed, cancellationToken) =>
        {
            var query = $"?{(parsed.GetValue(IsCaller) ? "caller" : "user")}={Uri.EscapeDataString(parsed.GetRequiredValue(User))}"
                + (units is null ? "" : string.Create(CultureInfo.InvariantCulture, $"&units={parsed.GetValue(units)}"));
            return OperatorClient.PrintAsync(parsed, method, path + query, body => Describe(GatewayJson.DeserializeLimits(body)), cancellationToken);
        });
        return command;
    }

    /// <summary>For a terminal: a line a limit.</summary>
    private static string Describe(LimitsBody limits)
    {
        var requests = limits.Requests.Limit is null ? "unlimited"
            : $"{limits.Requests.Left} of {limits.Requests.Burst} left in one go, {limits.Requests.Limit} a minute";
        var concurrency = limits.Concurrency.Limit is { } atOnce ? $"{limits.Concurrency.Used} of {atOnce} under way" : $"{limits.Concurrency.Used} under way, unlimited";
        return string.Create(CultureInfo.InvariantCulture, $"""
            {(limits.User is null ? $"caller {limits.Caller}" : $"user {limits.User}")}, tier {limits.Tier}{(limits.Known == true ? "" : " (no request is remembered, so the tier is assumed)")}
              requests     {requests}
              concurrency  {concurrency}
              day          {Units(limits.Day)}
              month        {Units(limits.Month)}

            """);
    }

    private static string Units(UnitLimitBody units)
    {
        var left = units.Left is { } some ? string.Create(CultureInfo.InvariantCulture, $"{some} of {units.Limit} units left, ") : "unlimited, ";
        var granted = units.Granted == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {units.Granted:+0;-0} granted");
        var reserved = units.Reserved == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({units.Reserved} of them for images being made)");
        return string.Create(CultureInfo.InvariantCulture, $"{left}{units.Used} used{reserved}{granted}; anew at {units.FreesAt}");
    }
}
