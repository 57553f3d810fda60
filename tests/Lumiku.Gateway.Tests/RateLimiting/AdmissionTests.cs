using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Many at once on one limit, over real sockets: exactly so many pass. The clock stands still, so none comes back.</summary>
public class AdmissionTests
{
    private const int Workers = 24;
    private const int Limit = 100;

    [Fact]
    public async Task Of_24_workers_on_a_limit_of_100_requests_exactly_100_pass_in_each_of_50_rounds()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=60", $"Burst={Limit}");
        await bench.AskAsync("first", FlightBench.Body);

        var passed = await RunAsync(rounds: 50, user => bench.AskAsync(user, FlightBench.Body), "rate-limited");

        Report("requests a minute", passed);
        passed.ShouldAllBe(count => count == Limit);
    }

    [Fact]
    public async Task Of_24_workers_on_a_limit_of_100_units_exactly_100_images_are_made_in_each_of_10_rounds()
    {
        await using var bench = await LimitBench.StartAsync($"UnitsPerDay={Limit}", $"UnitsPerMonth={Limit}");

        var passed = await RunAsync(rounds: 10, user => bench.AskAsync(user), "quota-exceeded");

        Report("units", passed);
        passed.ShouldAllBe(count => count == Limit);
        bench.HuggingFace.Received.Count.ShouldBe(10 * Limit);
    }

    [Fact]
    public async Task Of_24_workers_with_three_slots_all_get_their_turn_and_no_slot_is_lost()
    {
        await using var bench = await LimitBench.StartAsync("ConcurrentRequests=3");
        var (made, refused) = (0, 0);

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async _ =>
        {
            for (var left = 10; left > 0;)
            {
                var answer = await bench.AskAsync();
                if ((int)answer.Status == 200)
                {
                    left--;
                    Interlocked.Increment(ref made);
                }
                else
                {
                    answer.ShouldBe(429, "too-many-at-once");
                    Interlocked.Increment(ref refused);
                    await Task.Yield();
                }
            }
        }));

        made.ShouldBe(Workers * 10);
        Figures.Add("limits", $"over HTTP: 24 workers, 3 slots, {made} images made, {refused:N0} refused, no slot lost");
        await bench.ShouldRunAsync(0);
    }

    /// <returns>How many passed in each round; each round is another user's.</returns>
    private static async Task<int[]> RunAsync(int rounds, Func<string, Task<Answer>> askAsync, string refusal)
    {
        var passed = new int[rounds];
        for (var round = 0; round < rounds; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(async _ =>
            {
                while (true)
                {
                    var answer = await askAsync($"user-{round}");
                    if ((int)answer.Status != 200)
                    {
                        answer.ShouldBe(429, refusal);
                        return;
                    }

                    Interlocked.Increment(ref passed[round]);
                }
            }));
        }

        return passed;
    }

    private static void Report(string limit, int[] passed) => Figures.Add(
        "limits", $"over HTTP: 24 workers, limit 100 of {limit}, {passed.Length} rounds: {passed.Sum(count => Math.Max(0, count - Limit))} over-admitted, {passed.Sum(count => Math.Max(0, Limit - count))} under-admitted");
}
