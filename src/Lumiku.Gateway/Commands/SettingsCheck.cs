using Lumiku.Gateway.ReverseProxy;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands;

/// <summary>Settings tried as a start tries them, up to where it would open a port.</summary>
/// <param name="StandIns">Keys of secrets that placeholders stood in for.</param>
/// <param name="Summary">How much there is, in a sentence.</param>
/// <param name="Settings">Null where there is a mistake in them.</param>
internal sealed record SettingsCheck(CheckReport Report, IReadOnlyList<string> StandIns, string Summary, GatewaySettings? Settings)
{
    /// <param name="args">Settings as <c>--Section:Key=value</c>, as a start takes them.</param>
    public static async Task<SettingsCheck> RunAsync(string[] args, bool withoutSecrets)
    {
        var file = FileOf(args);
        IReadOnlyList<string> standIns = [], warnings = [];
        try
        {
            var configuration = new GatewayConfiguration(args);
            warnings = [.. SettingsChanges.SecretsIn(configuration.FileSettings(configuration.FileContent)).Select(key => $"'{SettingsShape.Printable(key)}' is a secret and lies in the settings file: put it into a variable.")];
            var candidate = configuration.Candidate(configuration.FileContent);
            if (withoutSecrets)
            {
                standIns = MissingSecrets.Of(candidate);
                candidate = WithArguments([.. args, .. standIns.Select((key, index) => $"--{key}=placeholder-{index}-for-a-check-alone")]);
            }

            var (settings, mistakes) = await TryAsync(candidate);
            return Of(file, mistakes, warnings, standIns, settings is null ? "" : Describe(file, candidate, settings), settings);
        }
        catch (SettingsException refusal)
        {
            // No settings at all.
            return Of(file, refusal.Mistakes, warnings, standIns, "", settings: null);
        }
    }

    private static string FileOf(string[] args) =>
        SettingsFile.Locate(new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build()["GATEWAY_SETTINGS"]);

    private static IConfigurationRoot WithArguments(string[] args)
    {
        var configuration = new GatewayConfiguration(args);
        return configuration.Candidate(configuration.FileContent);
    }

    /// <returns>Settings only where there is no mistake in them.</returns>
    private static async Task<(GatewaySettings? Settings, IReadOnlyList<string> Mistakes)> TryAsync(IConfigurationRoot candidate)
    {
        List<string> mistakes = [];
        GatewaySettings? settings = null;
        try
        {
            settings = await SettingsTrial.RunAsync(candidate);
        }
        catch (SettingsException refusal)
        {
            mistakes.AddRange(refusal.Mistakes);
        }

        mistakes.AddRange(GatewayServer.Check(candidate));
        return (settings, mistakes);
    }

    private static SettingsCheck Of(string file, IReadOnlyList<string> mistakes, IReadOnlyList<string> warnings, IReadOnlyList<string> standIns, string summary, GatewaySettings? settings) =>
        new(new CheckReport(file, mistakes.Count == 0, [.. mistakes.Select(OneLine.Of)], warnings), standIns, summary, mistakes.Count == 0 ? settings : null);

    private static string Describe(string file, IConfiguration settings, GatewaySettings read) =>
        $"{file} is good: {Count(settings.GetSection("ReverseProxy:Routes").GetChildren(), "route")}, {Count(read.Models.All, "model")}, {Count(read.Tiers.All, "tier")}, {Count(read.Callers.All, "caller")}.";

    private static string Count<T>(IEnumerable<T> all, string what) => all.Count() is var count && count == 1 ? $"1 {what}" : $"{count} {what}s";
}
