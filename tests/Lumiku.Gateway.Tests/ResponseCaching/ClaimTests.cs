using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>Where images are not for everybody, one waits for each who asked for it and did not receive it, and for nobody else.</summary>
public class ClaimTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromMilliseconds(600);

    [Fact]
    public async Task After_504_still_generating_the_same_user_gets_the_image_once_and_for_nothing()
    {
        await using var bench = await StartAsync("Generation:WaitLimit=00:01:00");
        var asking = bench.AskAsync(user: "anna");
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        (await asking).ShouldBe(504, "still-generating");
        bench.UpstreamTime.Advance(Rendering);
        await bench.ShouldEndEmptyAsync();
        bench.HuggingFace.BehaveWell();

        FlightBench.ShouldBeBy(await bench.AskAsync(user: "ben"), "MISS", units: 1);
        FlightBench.ShouldBeBy(await bench.AskAsync(user: "anna"), "HIT", units: 0);
        bench.Calls.ShouldBe(2);
        FlightBench.ShouldBeBy(await bench.AskAsync(user: "anna"), "MISS", units: 1);
    }

    [Fact]
    public async Task Each_who_left_has_a_copy_and_who_stayed_has_none()
    {
        await using var bench = await StartAsync();
        using var leaving = new CancellationTokenSource();
        var opener = bench.AskAsync(user: "anna");
        await bench.ShouldRenderAsync(1);
        Task<Answer>[] leavers = [bench.AskAsync(user: "ben", leaving: leaving.Token), bench.AskAsync(user: "carl", leaving: leaving.Token)];
        await bench.ShouldWaitAsync(3);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(1);
        bench.UpstreamTime.Advance(Rendering);
        var made = await opener;
        await Should.ThrowAsync<OperationCanceledException>(Task.WhenAll(leavers));
        await bench.ShouldEndEmptyAsync();
        bench.HuggingFace.BehaveWell();

        foreach (var user in new[] { "ben", "carl" })
        {
            var copy = await bench.AskAsync(user: user);
            FlightBench.ShouldBeBy(copy, "HIT", units: 0);
            copy.Header("ETag").ShouldBe(made.Header("ETag"));
        }

        bench.Calls.ShouldBe(1);
        FlightBench.ShouldBeBy(await bench.AskAsync(user: "anna"), "MISS", units: 1);
    }

    [Fact]
    public async Task Who_wanted_nothing_kept_has_no_copy_waiting()
    {
        await using var bench = await StartAsync();
        using var leaving = new CancellationTokenSource();
        var leaver = bench.AskAsync(user: "anna", cacheControl: "no-store", leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(0);
        bench.UpstreamTime.Advance(Rendering);
        await Should.ThrowAsync<OperationCanceledException>(leaver);
        await bench.ShouldEndEmptyAsync();

        bench.Gateway.Services.GetRequiredService<ImageCache>().Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_copy_is_kept_as_long_as_the_models_images_and_no_longer()
    {
        await using var bench = await StartAsync($"Models:Catalog:{TestGateway.Dev}:CacheFor=00:30:00");
        foreach (var user in new[] { "anna", "ben" })
        {
            await LeaveAsync(bench, user);
        }

        bench.HuggingFace.BehaveWell();
        bench.Time.Advance(TimeSpan.FromMinutes(30) - TimeSpan.FromSeconds(1));
        FlightBench.ShouldBeBy(await bench.AskAsync(user: "anna"), "HIT", units: 0);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        FlightBench.ShouldBeBy(await bench.AskAsync(user: "ben"), "MISS", units: 1);
    }

    [Fact]
    public async Task Who_wants_no_kept_image_gets_no_copy_either()
    {
        await using var bench = await StartAsync();
        await LeaveAsync(bench, "anna");
        bench.HuggingFace.BehaveWell();

        FlightBench.ShouldBeBy(await bench.AskAsync(user: "anna", cacheControl: "no-cache"), "MISS", units: 1);
    }

    private static async Task LeaveAsync(FlightBench bench, string user)
    {
        using var leaving = new CancellationTokenSource();
        var asking = bench.AskAsync(user: user, leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(0);
        bench.UpstreamTime.Advance(Rendering);
        await Should.ThrowAsync<OperationCanceledException>(asking);
        await bench.ShouldEndEmptyAsync();
    }

    private static async Task<FlightBench> StartAsync(params string[] settings)
    {
        var bench = await FlightBench.StartAsync(["Cache:Unseeded=RetryOnly", .. settings]);
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        return bench;
    }
}
