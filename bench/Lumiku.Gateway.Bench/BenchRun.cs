using Lumiku.Gateway.Bench.Load;
using Lumiku.Gateway.Bench.Scenarios;
using Lumiku.Gateway.Bench.Servers;

namespace Lumiku.Gateway.Bench;

/// <summary>All that was asked for, one scenario after the other, and the table at the end.</summary>
internal static class BenchRun
{
    private const int Interrupted = 130;

    public static async Task<int> RunAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using var work = new WorkFolder();
        using var client = new BackendClient();
        List<LoadResult> results = [];
        List<string> mistakes = [];
        WaitingResult? waiting = null;
        try
        {
            foreach (var scenario in LoadScenario.All.Where(scenario => options.Wants(scenario.Kind)))
            {
                await AttemptAsync(scenario.Name, async () => results.AddRange(await LoadAsync(scenario)));
            }

            if (options.Wants(WaitingScenario.Kind))
            {
                await AttemptAsync(WaitingScenario.Kind, async () => waiting = await WaitAsync());
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Interrupted;
        }

        mistakes.AddRange(results.Where(result => result.Errors > 0).Select(result => $"{result.Scenario}: {result.Server} had {result.Errors:N0} errors."));
        if (waiting is not null && waiting.Answered < waiting.Requests)
        {
            mistakes.Add($"{WaitingScenario.Kind}: {waiting.Requests - waiting.Answered:N0} got no image.");
        }

        await PrintAsync(results, waiting, mistakes);
        return mistakes.Count == 0 ? 0 : 1;

        // What goes wrong in one scenario leaves the others their figures.
        async Task AttemptAsync(string name, Func<Task> measure)
        {
            await Console.Error.WriteLineAsync($"measuring: {name}");
            try
            {
                await measure();
            }
            catch (Exception exception) when (exception is BenchException or HttpRequestException)
            {
                mistakes.Add(exception is BenchException ? exception.Message : $"{name}: {exception.Message}");
            }
        }

        async Task<IReadOnlyList<LoadResult>> LoadAsync(LoadScenario scenario)
        {
            using var fleet = new ServerFleet(options.Gateway, work, cancellationToken);
            var upstream = await fleet.StartUpstreamAsync(scenario.ImageBytes);
            var contestants = await scenario.StartAsync(fleet, upstream);
            return await new LoadRun(scenario, options, upstream, contestants, client).RunAsync(cancellationToken);
        }

        async Task<WaitingResult> WaitAsync()
        {
            using var fleet = new ServerFleet(options.Gateway, work, cancellationToken);
            return await new WaitingScenario(fleet, client).RunAsync(cancellationToken);
        }
    }

    private static async Task PrintAsync(List<LoadResult> results, WaitingResult? waiting, List<string> mistakes)
    {
        if (results.Count > 0)
        {
            Console.WriteLine(Table.Of(results));
        }

        if (waiting is not null)
        {
            Console.WriteLine(Table.Of(waiting));
        }

        foreach (var mistake in mistakes)
        {
            await Console.Error.WriteLineAsync(mistake);
        }
    }
}
