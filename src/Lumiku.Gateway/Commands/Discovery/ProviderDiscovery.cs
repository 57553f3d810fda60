using System.CommandLine;
using System.CommandLine.Parsing;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands.Discovery;

/// <summary><c>probe --discover</c>: who serves the models, and the settings to ask them with. Asks the Hub alone; no gateway needs to run.</summary>
internal static class ProviderDiscovery
{
    public static readonly Option<bool> IsAsked = new("--discover")
    {
        Description = "Ask Hugging Face's Hub instead which providers serve the models, and print the settings lines for them. Makes no image, needs no running gateway and sends no token.",
    };

    public static readonly Option<Uri?> Hub = new("--hub")
    {
        HelpName = "address",
        Description = $"Where --discover asks; by default {DefaultHub}",
        CustomParser = result =>
            Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var hub) && (hub.Scheme == "https" || hub.Scheme == "http" && hub.IsLoopback) && hub.UserInfo.Length + hub.Query.Length == 0 ? hub : Misfit(result),
    };

    private const string DefaultHub = "https://huggingface.co";
    private const int AtOnce = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <param name="models">None: those of the settings.</param>
    public static async Task<int> RunAsync(string[] models, Uri? hub, bool isJson)
    {
        IConfiguration settings;
        try
        {
            var configuration = new GatewayConfiguration([]);
            settings = configuration.Candidate(configuration.FileContent);
        }
        catch (SettingsException refusal)
        {
            await Console.Error.WriteLineAsync(string.Join('\n', refusal.Mistakes));
            return GatewayCommandLine.No;
        }

        string[] asked = models.Length > 0 ? [.. models.Distinct(StringComparer.OrdinalIgnoreCase)] : Names(settings, "Models:Catalog");
        if (asked.Length == 0)
        {
            await Console.Error.WriteLineAsync("Models:Catalog lists no model: name some.");
            return GatewayCommandLine.Misuse;
        }

        var found = await AskAsync(hub ?? new Uri(DefaultHub), asked, Names(settings, "Upstreams"));
        Console.Out.Write(isJson ? CommandJson.Serialize(found) + Environment.NewLine : DiscoveryTable.Of(found));
        return found.All(model => model.Served.Count > 0) ? GatewayCommandLine.Done : GatewayCommandLine.No;
    }

    private static async Task<IReadOnlyList<DiscoveredModel>> AskAsync(Uri hub, string[] models, string[] upstreams)
    {
        await Console.Error.WriteLineAsync($"Asking {hub.Authority} about {models.Length} models.");
        using var client = new HubClient(hub, Patience);
        var found = new DiscoveredModel[models.Length];
        await Parallel.ForAsync(0, models.Length, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) => found[i] = await AskAsync(client, models[i], upstreams));
        return found;
    }

    private static async Task<DiscoveredModel> AskAsync(HubClient client, string model, string[] upstreams)
    {
        if (!ModelPath.IsModelId(model))
        {
            return DiscoveredModel.Unknown(OneLine.Of(model), "This is no model id.");
        }

        var (providers, error) = await client.AskAsync(model);
        return error is null ? DiscoveredModel.Of(model, providers, upstreams) : DiscoveredModel.Unknown(model, error);
    }

    private static string[] Names(IConfiguration settings, string section) => [.. settings.GetSection(section).GetChildren().Select(entry => entry.Key)];

    private static Uri? Misfit(ArgumentResult result)
    {
        result.AddError("--hub must be an https address, or http on this machine.");
        return null;
    }
}
