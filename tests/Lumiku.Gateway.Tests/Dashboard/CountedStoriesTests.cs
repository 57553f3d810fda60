using System.Text.RegularExpressions;
using Lumiku.Gateway.Dashboard;
using Lumiku.Gateway.Telemetry.Explanations;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>What a page counts of the requests that are remembered, and how it draws one.</summary>
public sealed class CountedStoriesTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await TestGateway.StartAsync(_huggingFace, _time, OperatorsPages.Setting);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
    }

    [Fact]
    public async Task Where_not_a_whole_hour_is_remembered_pages_say_of_what_time_they_count_whatever_strangers_asked_before()
    {
        var stories = _gateway.Services.GetRequiredService<RecentStories>();
        stories.Add(new RequestStory { At = _time.GetUtcNow() - TimeSpan.FromHours(2), Path = "/favicon.ico" });
        stories.Add(new RequestStory { At = _time.GetUtcNow() - TimeSpan.FromMinutes(50), Path = "/models/a/b" });
        for (var i = 0; i < RecentStories.Most; i++)
        {
            stories.Add(new RequestStory { Reader = "backend", At = _time.GetUtcNow() - TimeSpan.FromMinutes(15) + TimeSpan.FromMilliseconds(i), Path = $"/models/{TestGateway.Sd3}", RequestedModel = TestGateway.Sd3 });
        }

        var digest = _gateway.Services.GetRequiredService<DigestReader>().Read();

        digest.Since.ShouldBe(_time.GetUtcNow() - TimeSpan.FromMinutes(15));
        digest.Count.ShouldBe(RecentStories.Most - 1, "since then");
        (await _gateway.PageAsync("catalog")).ShouldMatch("Counts of the last 9,999 requests, since [0-9:]+\\.");
        (await _gateway.PageAsync("tiers")).ShouldMatch("of the last 9,999 requests, since [0-9:]+<");
    }

    [Fact]
    public async Task A_look_at_ones_limits_is_no_request_of_a_tier()
    {
        await _gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body);
        for (var i = 0; i < 3; i++)
        {
            using var look = new HttpRequestMessage(HttpMethod.Get, "/limits") { Headers = { Authorization = new("Bearer", TestGateway.BackendKey) } };
            await _gateway.SendAsync(look);
        }

        var digest = _gateway.Services.GetRequiredService<DigestReader>().Read();

        digest.Rows.Count.ShouldBe(4);
        digest.Count.ShouldBe(1);
        digest.Tiers.ShouldHaveSingleItem().Requests.ShouldBe(1);
        digest.Users.ShouldHaveSingleItem().Requests.ShouldBe(1);
    }

    [Fact]
    public void It_runs_since_it_was_started_and_not_since_somebody_looked()
    {
        var started = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromDays(1));

        _gateway.Services.GetRequiredService<SampleReader>().Read().StartedAt.ShouldBe(started);
    }

    [Fact]
    public async Task A_generation_that_was_not_waited_for_any_longer_is_drawn_as_under_way_to_the_end()
    {
        _huggingFace.Behave(TestGateway.Sd3, Misbehaviour.Delay(TimeSpan.FromMinutes(1)));
        await using var impatient = await TestGateway.StartAsync(_huggingFace, OperatorsPages.Setting, "Generation:WaitLimit=00:00:01");
        var answer = await impatient.GenerateAsync(TestGateway.Sd3, FlightBench.Body);
        answer.ShouldBe(504, "still-generating");

        var page = await impatient.PageAsync($"requests/{answer.Header("X-Request-Id")}");

        page.ShouldContain("Under way");
        page.ShouldNotContain("Waited no longer");
    }

    [Fact]
    public async Task A_filter_is_in_the_address_and_the_way_back_keeps_it()
    {
        var answer = await _gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, tier: "pro");

        var list = await _gateway.PageAsync("requests?tier=pro&within=5&cache=miss");
        var address = Regex.Match(list, "href=\"(requests/[^\"]+)\"").Groups[1].Value.Replace("&amp;", "&", StringComparison.Ordinal);
        address.ShouldBe($"requests/{answer.Header("X-Request-Id")}?tier=pro&cache=miss&within=5");
        (await _gateway.PageAsync(address)).ShouldContain("href=\"requests?tier=pro&amp;cache=miss&amp;within=5\"");
        (await _gateway.PageAsync("requests?within=soon")).ShouldContain("of the last 1.");
    }
}
