using System.CommandLine;
using Lumiku.Gateway.Commands.Rehearsal;

namespace Lumiku.Gateway.Commands;

/// <summary><c>check</c>: would a gateway start with this file, or follow it while it runs? And what would it have changed?</summary>
internal static class CheckCommand
{
    private static readonly Argument<string?> SettingsPath = new("file")
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description = "The settings file; by default the one that serving would read: GATEWAY_SETTINGS, else appsettings.json in the working directory, else the one beside the program.",
        Validators = { result => { if (result.Tokens is [{ Value: "" }]) { result.AddError("The file's name is empty."); } } },
    };

    private static readonly Option<bool> WithoutSecrets = new("--without-secrets")
    {
        Description = "For a laptop or CI, where the secrets' variables are not set: puts placeholders for those that are missing, so that the file alone is judged.",
    };

    private static readonly Option<string?> Against = new("--against")
    {
        HelpName = "request log",
        Description = "A log of the gateway's: replays its requests against good settings, and prints what would have been refused, substituted and charged, then and now.",
        Validators = { result => { if (result.Tokens is [{ Value: "" }]) { result.AddError("The log's name is empty."); } } },
    };

    private static readonly Option<bool> ShowsAll = new("--all") { Description = "With --against: rows without a difference too." };

    private static readonly Option<bool> IsJson = new("--json") { Description = "Print one JSON object: file, ok, mistakes, warnings; with --against, rehearsal." };

    public static Command Create()
    {
        var check = new Command("check", "Checks the settings as a start does, with the variables of this environment, and prints every mistake with its key. Opens no port, connects to nothing, writes nothing.")
        {
            SettingsPath, WithoutSecrets, Against, ShowsAll, IsJson,
        };
        check.Validators.Add(result =>
        {
            if (result.GetResult(ShowsAll) is { Implicit: false } && result.GetResult(Against) is null)
            {
                result.AddError("--all says how much of a rehearsal is shown: give --against.");
            }
        });
        check.SetAction((parsed, _) => RunAsync(parsed));
        return check;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        string[] args = parsed.GetValue(SettingsPath) is { } path ? [$"--GATEWAY_SETTINGS={path}"] : [];
        var check = await SettingsCheck.RunAsync(args, parsed.GetValue(WithoutSecrets));
        if (check.StandIns.Count > 0)
        {
            await Console.Error.WriteLineAsync($"Placeholders stand in for {string.Join(", ", check.StandIns)}.");
        }

        foreach (var warning in check.Report.Warnings)
        {
            await Console.Error.WriteLineAsync(warning);
        }

        var report = check.Report;
        RehearsalReport? rehearsal = null;
        if (parsed.GetValue(Against) is { } log)
        {
            (report, rehearsal) = await RehearseAsync(check, log, parsed.GetValue(WithoutSecrets));
        }

        // A linter's findings are its output; what is said about them is not.
        Console.Out.WriteLine(
            parsed.GetValue(IsJson) ? parsed.GetValue(Against) is null ? CommandJson.Serialize(report) : CommandJson.Serialize(RehearsedCheck.Of(report, rehearsal))
            : !report.Ok ? string.Join(Environment.NewLine, report.Mistakes)
            : rehearsal is null ? check.Summary
            : $"{check.Summary}\n{RehearsalTable.Of(rehearsal, parsed.GetValue(ShowsAll))}");
        return report.Ok ? GatewayCommandLine.Done : GatewayCommandLine.No;
    }

    /// <returns>The report with a log that cannot be read among its mistakes; no rehearsal where there are some.</returns>
    private static async Task<(CheckReport Report, RehearsalReport? Rehearsal)> RehearseAsync(SettingsCheck check, string log, bool withoutSecrets)
    {
        try
        {
            return check.Settings is null ? (check.Report, null)
                : (check.Report, await RehearsalReport.OfAsync(log, LoggedRequests.Read(log), check.Settings, knowsEveryCaller: withoutSecrets));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return (check.Report with { Ok = false, Mistakes = [OneLine.Of($"The request log '{log}' cannot be read: {exception.Message}")] }, null);
        }
    }
}

/// <param name="Mistakes">A line each, with the key that is wrong; none where all is well.</param>
/// <param name="Warnings">A line each: what is served with all the same.</param>
internal sealed record CheckReport(string File, bool Ok, IReadOnlyList<string> Mistakes, IReadOnlyList<string> Warnings);

/// <summary>The same with <c>--against</c>.</summary>
/// <param name="Rehearsal">Null where there are mistakes.</param>
internal sealed record RehearsedCheck(string File, bool Ok, IReadOnlyList<string> Mistakes, IReadOnlyList<string> Warnings, RehearsalReport? Rehearsal)
{
    public static RehearsedCheck Of(CheckReport report, RehearsalReport? rehearsal) => new(report.File, report.Ok, report.Mistakes, report.Warnings, rehearsal);
}
