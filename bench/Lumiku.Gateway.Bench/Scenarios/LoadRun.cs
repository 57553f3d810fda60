using Lumiku.Gateway.Bench.Load;
using Lumiku.Gateway.Bench.Servers;

namespace Lumiku.Gateway.Bench.Scenarios;

/// <summary>Measures one scenario: asks, warms up, then takes the servers in turns.</summary>
internal sealed class LoadRun(LoadScenario scenario, BenchOptions options, ServerProcess upstream, IReadOnlyList<Contestant> contestants, BackendClient client)
{
    private const int WarmUpSeconds = 2;

    private readonly Wrk _wrk = new(options.Connections);
    private readonly Dictionary<Contestant, List<Measurement>> _rounds = contestants.ToDictionary(contestant => contestant, _ => new List<Measurement>());
    private readonly long _hitSeed = BackendRequest.NewSeed();

    /// <exception cref="BenchException">A server does not do what the scenario is about.</exception>
    public async Task<IReadOnlyList<LoadResult>> RunAsync(CancellationToken cancellationToken)
    {
        var errors = contestants.ToDictionary(contestant => contestant, _ => 0L);
        foreach (var contestant in contestants)
        {
            await CheckAsync(contestant, cancellationToken);
            errors[contestant] += (await LoadAsync(contestant, WarmUpSeconds, cancellationToken)).Load.Errors;
        }

        for (var round = 0; round <= options.Rounds; round++)
        {
            // Who comes first changes, so that nobody always follows the same server.
            foreach (var contestant in contestants.Skip(round % contestants.Count).Concat(contestants.Take(round % contestants.Count)))
            {
                var measured = await LoadAsync(contestant, options.Seconds, cancellationToken);
                errors[contestant] += measured.Load.Errors;
                if (round > 0)
                {
                    _rounds[contestant].Add(measured);
                }
            }
        }

        var reference = _rounds[contestants.Single(contestant => contestant.Name == scenario.Reference)];
        return [.. contestants.Select(contestant => new LoadResult(
            scenario.Name, contestant.Name, _rounds[contestant], reference, contestant.Name == LoadScenario.Gateway ? scenario.Goal : null, errors[contestant], contestant.Process.PeakBytes))];
    }

    private async Task CheckAsync(Contestant contestant, CancellationToken cancellationToken)
    {
        var seed = scenario.IsHit ? _hitSeed : BackendRequest.NewSeed();
        await client.AskAsync(contestant.Process.Address, seed, cancellationToken);
        var (status, bytes, cache) = await client.AskAsync(contestant.Process.Address, scenario.IsHit ? seed : seed + 1, cancellationToken);
        if ((int)status != StatusCodes.Status200OK || bytes != scenario.ImageBytes)
        {
            throw new BenchException($"{scenario.Name}: {contestant.Name} answered {(int)status} with {bytes:N0} bytes.");
        }

        if (contestant.CacheHeader is { } expected && cache != expected)
        {
            throw new BenchException($"{scenario.Name}: {contestant.Name} answered X-Cache: {cache ?? "(none)"} instead of {expected}.");
        }
    }

    private async Task<Measurement> LoadAsync(Contestant contestant, int seconds, CancellationToken cancellationToken)
    {
        var asked = await client.CountAsync(upstream.Address, cancellationToken);
        var cpu = contestant.Process.CpuTime;
        var load = await _wrk.RunAsync(contestant.Process.Address, seconds, scenario.IsHit ? _hitSeed : BackendRequest.NewSeed(), scenario.IsHit, cancellationToken);
        cpu = contestant.Process.CpuTime - cpu;
        asked = await client.CountAsync(upstream.Address, cancellationToken) - asked;

        // A hit asks nobody, a miss asks every time; and every answer is whole. What wrk counts as an error has a column.
        if (load.Requests == 0 || load.Bytes < (load.Requests - load.Errors) * scenario.ImageBytes || (scenario.IsHit ? asked > 0 : asked < load.Requests - load.Errors))
        {
            throw new BenchException($"{scenario.Name}: {contestant.Name} made of {load.Requests:N0} requests {asked:N0} to upstream, and {load.Bytes:N0} bytes of answers.");
        }

        return new Measurement(load, cpu);
    }
}
