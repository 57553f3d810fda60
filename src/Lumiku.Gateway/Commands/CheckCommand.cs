using System.CommandLine;

namespace Lumiku.Gateway.Commands;

/// <summary><c>check</c>: would a gateway start with this file, or follow it while it runs?</summary>
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

    private static readonly Option<bool> IsJson = new("--json") { Description = "Print one JSON object: file, ok, mistakes, warnings." };

    public static Command Create()
    {
        var check = new Command("check", "Checks the settings as a start does, with the variables of this environment, and prints every mistake with its key. Opens no port, connects to nothing, writes nothing.")
        {
            SettingsPath, WithoutSecrets, IsJson,
        };
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

        // A linter's findings are its output; what is said about them is not.
        Console.Out.WriteLine(parsed.GetValue(IsJson) ? CommandJson.Serialize(check.Report) : check.Report.Ok ? check.Summary : string.Join(Environment.NewLine, check.Report.Mistakes));
        return check.Report.Ok ? GatewayCommandLine.Done : GatewayCommandLine.No;
    }
}

/// <param name="Mistakes">A line each, with the key that is wrong; none where all is well.</param>
/// <param name="Warnings">A line each: what is served with all the same.</param>
internal sealed record CheckReport(string File, bool Ok, IReadOnlyList<string> Mistakes, IReadOnlyList<string> Warnings);
