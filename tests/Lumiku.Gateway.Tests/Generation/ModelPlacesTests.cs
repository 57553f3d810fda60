using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>A model has so many generations at once, whoever asks; the others wait in a line that is fair to users.</summary>
public class ModelPlacesTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private const string Model = "a/b";

    private readonly ManualTime _time = new();

    [Fact]
    public async Task Beyond_the_limit_generations_wait_and_go_on_as_others_end()
    {
        await using var bench = await StartAsync(2);
        var asking = Enumerable.Range(0, 5).Select(i => bench.AskAsync(BodyOf(i), TestGateway.Sd3, user: $"u{i}")).ToArray();

        for (var made = 0; made < 4; made += 2)
        {
            await bench.ShouldRenderAsync(2);
            bench.Calls.ShouldBe(made + 2);
            bench.UpstreamTime.Advance(Rendering);
            await Eventually.BeAsync(() => asking.Count(task => task.IsCompleted) == made + 2, "two are answered");
        }

        await bench.ShouldRenderAsync(1);
        bench.UpstreamTime.Advance(Rendering);
        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
        await ShouldEndEmptyAsync(bench);
    }

    [Fact]
    public async Task Another_model_does_not_wait_and_equal_requests_take_one_place()
    {
        await using var bench = await StartAsync(1);
        var asking = bench.AskMany(5, TestGateway.Sd3);
        await bench.ShouldRenderAsync(1);

        var other = bench.AskAsync(model: TestGateway.Xl);
        await bench.ShouldRenderAsync(2);

        bench.UpstreamTime.Advance(Rendering);
        Array.ForEach(await Task.WhenAll([.. asking, other]), answer => answer.ShouldBeAnImage());
        bench.Calls.ShouldBe(2);
        await ShouldEndEmptyAsync(bench);
    }

    [Fact]
    public async Task Who_finds_no_place_within_the_wait_limit_is_told_and_pays_nothing()
    {
        var ledger = new RecordingLedger();
        await using var bench = await StartAsync(1, ledger, "Generation:WaitLimit=00:01:00");
        var first = bench.AskAsync(BodyOf(1), TestGateway.Sd3);
        await bench.ShouldRenderAsync(1);
        bench.Time.Advance(TimeSpan.FromSeconds(30));
        var second = bench.AskAsync(BodyOf(2), TestGateway.Sd3);
        await Eventually.BeAsync(() => ledger.Reserved.Count == 2, "the second is in line");
        await bench.ShouldWaitAsync(2, generations: 3); // Its place in line has a limit too.
        bench.Time.Advance(TimeSpan.FromSeconds(30));
        (await first).ShouldBe(504, "still-generating");

        bench.Time.Advance(TimeSpan.FromSeconds(30));

        var answer = await second;
        answer.ShouldBe(504, "upstream-overloaded");
        answer.Error.ShouldBe($"So many images are being made with '{TestGateway.Sd3}' that this one's turn did not come in time. Ask again after Retry-After.");
        answer.Header("Retry-After").ShouldBe("20");
        bench.Calls.ShouldBe(1);
        bench.UpstreamTime.Advance(Rendering);
        await ShouldEndEmptyAsync(bench);
        ledger.Used.ShouldBe([1, 0]);
    }

    [Fact]
    public async Task A_model_without_a_place_is_not_overloaded_upstream_and_its_fallback_does_not_stand_in()
    {
        await using var bench = await FlightBench.StartAsync($"Models:Catalog:{TestGateway.Dev}:ConcurrentGenerations=1", "Generation:WaitLimit=00:01:00");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        var first = bench.AskAsync(BodyOf(1));
        await bench.ShouldRenderAsync(1);
        var second = bench.AskAsync(BodyOf(2));
        await bench.ShouldWaitAsync(2, generations: 3);

        bench.Time.Advance(TimeSpan.FromMinutes(1));

        (await first).ShouldBe(504, "still-generating");
        (await second).ShouldBe(504, "upstream-overloaded");
        bench.Calls.ShouldBe(1);
        bench.UpstreamTime.Advance(Rendering);
        bench.Time.Advance(TimeSpan.FromSeconds(2));
        await ShouldEndEmptyAsync(bench);
    }

    [Fact]
    public async Task A_generation_that_fails_or_breaks_frees_its_place()
    {
        await using var bench = await StartAsync(1);
        foreach (var kind in new[] { "empty-500", "png-without-end", "deprecated" })
        {
            bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));
            ((int)(await bench.AskAsync(BodyOf(kind.Length), TestGateway.Sd3)).Status).ShouldBeGreaterThanOrEqualTo(400);
        }

        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.StallMidBody(1_000));
        var stalled = bench.AskAsync(BodyOf(1), TestGateway.Sd3);
        await bench.ShouldWaitAsync(1);
        bench.Time.Advance(TimeSpan.FromMinutes(5));
        (await stalled).ShouldBe(504, "still-generating");

        await ShouldEndEmptyAsync(bench);
    }

    [Fact]
    public async Task A_fallback_takes_its_own_place_and_gives_up_the_first_models()
    {
        await using var bench = await FlightBench.StartAsync($"Models:Catalog:{TestGateway.Dev}:ConcurrentGenerations=1", $"Models:Catalog:{TestGateway.Schnell}:ConcurrentGenerations=1");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.Delay(Rendering));
        var asking = Enumerable.Range(0, 3).Select(i => bench.AskAsync(BodyOf(i), user: $"u{i}")).ToArray();
        for (var i = 0; i < 3; i++)
        {
            await bench.ShouldRenderAsync(1);
            bench.UpstreamTime.Advance(Rendering);
            await Eventually.BeAsync(() => asking.Count(task => task.IsCompleted) == i + 1, "one more is answered");
        }

        Array.ForEach(await Task.WhenAll(asking), answer => answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell));
        await ShouldEndEmptyAsync(bench);
    }

    [Fact]
    public async Task A_place_is_the_openers_who_pays_not_of_one_who_was_refused_before()
    {
        var refusal = new TaskCompletionSource<GatewayProblem?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var ledger = new RecordingLedger { Decide = user => user == "refused" ? refusal.Task : Task.FromResult<GatewayProblem?>(null) };
        await using var bench = await StartAsync(1, ledger);
        var refused = bench.AskAsync(BodyOf(1), TestGateway.Sd3, user: "refused");
        await Eventually.BeAsync(() => ledger.Asked.Count == 1, "it asks to reserve");
        var opener = bench.AskAsync(BodyOf(1), TestGateway.Sd3, user: "opener");
        await bench.ShouldWaitAsync(1, generations: 0);
        using var seat = bench.SeatAt(BodyOf(1), TestGateway.Sd3);

        refusal.SetResult(new GatewayProblem(429, "quota-exceeded", "Not today.", RetryAfter: Rendering));

        (await refused).ShouldBe(429, "quota-exceeded");
        await bench.ShouldRenderAsync(1);
        seat.Flight.Owner.ShouldBe(Of("opener"));
        bench.UpstreamTime.Advance(Rendering);
        (await opener).ShouldBeAnImage();
    }

    [Fact]
    public async Task The_next_place_is_the_users_with_the_fewest_and_among_those_the_longest_waiting()
    {
        var places = new ModelPlaces(_ => 2, _time);
        // Anna has both places, and three more in line before anybody else comes.
        string[] users = ["anna", "anna", "anna", "anna", "anna", "ben", "cleo", "ben"];
        var line = users.Select(user => (User: user, Place: places.EnterAsync(Model, Of(user), Patience, () => { }, CancellationToken.None).AsTask())).ToList();
        List<string> order = [];
        var held = new Queue<IDisposable>();
        while (line.Count > 0 || held.Count > 0)
        {
            await Eventually.BeAsync(() => held.Count + line.Count(waiting => waiting.Place.IsCompleted) == Math.Min(2, held.Count + line.Count), "both places are taken while anybody waits");
            foreach (var (user, place) in line.Where(waiting => waiting.Place.IsCompleted).ToList())
            {
                order.Add(user);
                held.Enqueue((await place)!);
                line.RemoveAll(waiting => waiting.Place == place);
            }

            held.Dequeue().Dispose();
        }

        string.Join(' ', order).ShouldBe("anna anna ben anna cleo ben anna anna");
        places.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Places_are_never_more_than_there_are_and_none_is_lost_whatever_happens_to_who_waits()
    {
        var places = new ModelPlaces(_ => 3, TimeProvider.System);
        var (inside, most) = (0, 0L);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 400; i++)
            {
                using var leaving = new CancellationTokenSource();
                var entering = places.EnterAsync(Model, new Owner(IsUser: true, $"{worker % 5}"), TimeSpan.FromMilliseconds(random.Next(0, 3)), () => { }, leaving.Token).AsTask();
                if (random.Next(4) == 0)
                {
                    await leaving.CancelAsync();
                }

                try
                {
                    using var place = await entering;
                    if (place is not null)
                    {
                        var now = Interlocked.Increment(ref inside);
                        HighMark.Raise(ref most, now);
                        await Task.Yield();
                        Interlocked.Decrement(ref inside);
                    }
                }
                catch (OperationCanceledException)
                {
                }
            }
        })));

        most.ShouldBeInRange(1, 3);
        places.Count.ShouldBe(0);
    }

    [Fact]
    public async Task More_places_in_the_settings_count_for_those_in_line_too()
    {
        int? most = 1;
        var places = new ModelPlaces(_ => most, _time);
        var first = await EnterAsync("anna");
        var (second, third) = (EnterAsync("ben"), EnterAsync("cleo"));
        second.IsCompleted.ShouldBeFalse();

        most = 2;
        var fourth = EnterAsync("dora");
        await second;
        (third.IsCompleted, fourth.IsCompleted).ShouldBe((false, false));
        most = 1;
        first!.Dispose();
        third.IsCompleted.ShouldBeFalse("there are fewer again");
        most = null;
        (await second)!.Dispose();
        (await third)!.Dispose();
        (await fourth)!.Dispose();
        places.Count.ShouldBe(0);

        Task<IDisposable?> EnterAsync(string user) => places.EnterAsync(Model, Of(user), Patience, () => { }, CancellationToken.None).AsTask();
    }

    private static Owner Of(string user) => new(IsUser: true, user);

    private static string BodyOf(int i) => $$"""{"inputs":"heron {{i}}"}""";

    private static Task<FlightBench> StartAsync(int places, params string[] settings) => StartAsync(places, ledger: null, settings);

    private static async Task<FlightBench> StartAsync(int places, RecordingLedger? ledger, params string[] settings)
    {
        var bench = await FlightBench.StartAsync(ledger, [$"Models:Catalog:{TestGateway.Sd3}:ConcurrentGenerations={places}", "Generation:FailureMemory=00:00:00", .. settings]);
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        return bench;
    }

    private static async Task ShouldEndEmptyAsync(FlightBench bench)
    {
        await bench.ShouldEndEmptyAsync();
        bench.Gateway.Services.GetRequiredService<ModelPlaces>().Count.ShouldBe(0);
    }
}
