namespace Lumiku.HuggingFace.Simulator;

/// <summary>Runs the simulator until Ctrl+C or SIGTERM. Exit code 2: a flag was wrong, or the port is taken.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        CommandLine commandLine;
        try
        {
            commandLine = CommandLine.Parse(arguments);
        }
        catch (FormatException refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return 2;
        }

        if (commandLine.ListsKinds)
        {
            Console.Write(KindsTable.AsMarkdown());
            return 0;
        }

        return await RunAsync(commandLine);
    }

    private static async Task<int> RunAsync(CommandLine commandLine)
    {
        HuggingFaceSimulator simulator;
        try
        {
            simulator = await HuggingFaceSimulator.StartAsync(commandLine.Options);
        }
        catch (IOException failure)
        {
            await Console.Error.WriteLineAsync($"Cannot listen on port {commandLine.Options.Port}: {failure.Message}");
            return 2;
        }

        await using (simulator)
        {
            foreach (var (model, behaviour) in commandLine.Behaviours)
            {
                simulator.Behave(model, behaviour);
            }

            Console.WriteLine($"Simulating Hugging Face at {simulator.Address}");
            await simulator.UntilStoppedAsync();
        }

        return 0;
    }
}
