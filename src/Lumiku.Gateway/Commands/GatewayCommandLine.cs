using System.CommandLine;
using System.Net.Sockets;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands;

/// <summary>The program's commands; without one it serves. Exit 0: done, 1: the answer is no, 2: misuse.</summary>
internal static class GatewayCommandLine
{
    public const int Done = 0;
    public const int No = 1;
    public const int Misuse = 2;

    public static async Task<int> RunAsync(string[] args)
    {
        var healthcheck = new Command("healthcheck", "Exit 0 if the gateway on this machine answers at /health/live; for the container's HEALTHCHECK.");
        healthcheck.SetAction((_, cancellationToken) => Healthcheck.RunAsync(cancellationToken));

        var root = new RootCommand("Lumiku Gateway: between an image-generation backend and Hugging Face. Without a command it serves; settings can be given as --Section:Key=value.")
        {
            healthcheck,
            CheckCommand.Create(),
            KeysCommand.Create(),
            LimitsCommand.Create(),
            ProbeCommand.Create(),
            PurgeCommand.Create(),
        };
        root.TreatUnmatchedTokensAsErrors = false;
        root.SetAction((parsed, _) => ServeAsync(args, parsed.UnmatchedTokens));

        // A user's id may begin with '@', which this library takes for a file of arguments by default.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        // Settings follow the root, so it lets strangers pass; below a command a word that is not understood may be a misspelled option, and must not be done without.
        if (parsed is { Errors: [], UnmatchedTokens: [var stranger, ..] } && parsed.CommandResult.Command != root)
        {
            await Console.Error.WriteLineAsync($"'{stranger}' is not understood. See --help.");
            return Misuse;
        }

        // The host minds signals itself: stopping may take minutes, and by default this library ends the process after two seconds.
        var exitCode = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
        return parsed.Errors.Count == 0 ? exitCode : Misuse;
    }

    private static async Task<int> ServeAsync(string[] args, IReadOnlyList<string> settings)
    {
        if (settings.FirstOrDefault(token => !IsSetting(token, settings)) is { } stranger)
        {
            await Console.Error.WriteLineAsync($"'{stranger}' is neither a command nor a setting (--Section:Key=value). See --help.");
            return Misuse;
        }

        try
        {
            await using var app = await GatewayHost.CreateAsync(args);
            await app.StartAsync();
            await app.WaitForShutdownAsync();
            return Done;
        }
        catch (OperationCanceledException)
        {
            // A signal to stop, before it had started.
            return Done;
        }
        catch (SettingsException refusal)
        {
            foreach (var mistake in refusal.Mistakes)
            {
                await Console.Error.WriteLineAsync(mistake);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or FormatException or InvalidOperationException)
        {
            // An address that is taken, not ours to take, or none; https, which needs a certificate.
            await Console.Error.WriteLineAsync($"The gateway cannot listen: {exception.Message}");
        }

        return No;
    }

    /// <summary><c>--key=value</c>, <c>--key value</c>, or the value behind such a key. A flag alone is none: it would set nothing.</summary>
    private static bool IsSetting(string token, IReadOnlyList<string> all)
    {
        var index = all.TakeWhile(other => !ReferenceEquals(other, token)).Count();
        return IsKey(token)
            ? token.Contains('=', StringComparison.Ordinal) || (index + 1 < all.Count && !IsKey(all[index + 1]))
            : index > 0 && IsKey(all[index - 1]) && !all[index - 1].Contains('=', StringComparison.Ordinal);

        static bool IsKey(string token) => token.StartsWith("--", StringComparison.Ordinal);
    }
}
