using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Runtime.InteropServices;
using Lumiku.Gateway.Commands.Discovery;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands;

/// <summary><c>probe</c>: does every model make an image through the gateway that runs? To be asked after each deployment.</summary>
internal static class ProbeCommand
{
    private const int AtOnce = 4;

    private static readonly Argument<string[]> Models = new("model")
    {
        Arity = ArgumentArity.ZeroOrMore,
        Description = "Models to ask, such as stabilityai/stable-diffusion-xl-base-1.0; by default every one of Models:Catalog. One that is not listed there can be named too.",
        Validators = { CheckIds },
    };

    private static readonly Option<int?> Seconds = new("--timeout")
    {
        HelpName = "seconds",
        Description = "Give a model up after so many seconds; by default the gateway's own wait limit for it.",
        CustomParser = result => int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= 3_600 ? seconds : Misfit(result),
    };

    private static readonly Option<bool> IsJson = new("--json") { Description = "Print an array with an object for each model." };

    public static Command Create()
    {
        var probe = new Command("probe", "Asks the running gateway for one small image of every model, past its cache and all limits, and says which models serve. "
            + $"Upstream makes and charges these images. Needs {ShortVariables.OperatorKey}.")
        {
            Models, OperatorClient.Url, Seconds, ProviderDiscovery.IsAsked, ProviderDiscovery.Hub, IsJson,
        };
        probe.Validators.Add(CheckOptions);
        probe.SetAction((parsed, _) => parsed.GetValue(ProviderDiscovery.IsAsked)
            ? ProviderDiscovery.RunAsync(parsed.GetValue(Models) ?? [], parsed.GetValue(ProviderDiscovery.Hub), parsed.GetValue(IsJson))
            : RunAsync(parsed));
        return probe;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        using var gateway = OperatorClient.Open(parsed);
        if (gateway is null)
        {
            return GatewayCommandLine.Misuse;
        }

        using var interrupted = new CancellationTokenSource();
        using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        try
        {
            if (await gateway.AskAsync(HttpMethod.Get, "ops/models", GatewayJson.DeserializeModels, interrupted.Token) is not { } catalog)
            {
                return GatewayCommandLine.No;
            }

            var rows = await AskAsync(gateway, [.. Chosen(catalog, parsed.GetValue(Models) ?? [])], parsed.GetValue(Seconds), interrupted.Token);
            Console.Out.Write(parsed.GetValue(IsJson) ? CommandJson.Serialize(rows) + Environment.NewLine : ProbeTable.Of(rows));
            return rows.Any(row => row.Outcome == ProbeRow.Failed) ? GatewayCommandLine.No : GatewayCommandLine.Done;
        }
        catch (OperationCanceledException)
        {
            return GatewayCommandLine.No;
        }

        void Interrupt(PosixSignalContext signal)
        {
            signal.Cancel = true;
            interrupted.Cancel();
        }
    }

    /// <returns>A row for each model, in their order. Interrupted, those that have no answer yet say so.</returns>
    private static async Task<IReadOnlyList<ProbeRow>> AskAsync(OperatorClient gateway, ModelBody[] models, int? seconds, CancellationToken interrupted)
    {
        await Console.Error.WriteLineAsync($"Asking {gateway.Authority} for {models.Length} images, {AtOnce} at a time; a model that is loading can take minutes.");
        var rows = new ProbeRow[models.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtOnce };
        await Parallel.ForAsync(0, models.Length, options, async (i, _) => rows[i] = await ModelProbe.RunAsync(gateway, models[i], seconds, interrupted));
        return rows;
    }

    /// <summary>All that are listed; or those that are named, the listed ones first.</summary>
    private static IEnumerable<ModelBody> Chosen(ModelsBody catalog, string[] names)
    {
        if (names.Length == 0)
        {
            return catalog.Models;
        }

        var listed = catalog.Models.Where(model => names.Contains(model.Id, StringComparer.OrdinalIgnoreCase)).ToList();
        var unlisted = names.Except(listed.Select(model => model.Id), StringComparer.OrdinalIgnoreCase);
        return [.. listed, .. unlisted.Select(name => new ModelBody(name, nameof(ModelOutput.Image), Requires: null, Substitute: null, Fallback: null, catalog.WaitSeconds))];
    }

    private static void CheckIds(ArgumentResult result)
    {
        foreach (var stranger in result.Tokens.Where(token => !ModelPath.IsModelId(token.Value)))
        {
            result.AddError($"'{stranger.Value}' is no model id: one or two segments of letters, digits, '.', '_' and '-'.");
        }
    }

    /// <summary>Who is asked: the gateway that runs, or the Hub. An option for the other would do nothing.</summary>
    private static void CheckOptions(CommandResult result)
    {
        var isDiscovery = result.GetValue(ProviderDiscovery.IsAsked);
        Option[] strangers = isDiscovery ? [OperatorClient.Url, Seconds] : [ProviderDiscovery.Hub];
        foreach (var stranger in strangers.Where(option => result.GetResult(option) is { Implicit: false }))
        {
            result.AddError(isDiscovery ? $"{stranger.Name} is for the gateway that runs: --discover does not ask it." : $"{stranger.Name} goes with --discover.");
        }
    }

    private static int? Misfit(ArgumentResult result)
    {
        result.AddError("--timeout must be whole seconds, from 1 to 3600.");
        return null;
    }
}
