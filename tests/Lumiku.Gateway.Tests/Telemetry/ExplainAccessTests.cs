using Lumiku.Gateway.Telemetry.Explanations;
using Lumiku.Gateway.Tests.Authentication;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>The operator reads every story, a caller its own, and nobody else any.</summary>
public class ExplainAccessTests
{
    private const string OtherKey = "other-key-0123456789abcdef";
    private const string Other = $"Callers:other:Key={OtherKey}";

    [Fact]
    public async Task A_caller_reads_its_own_and_cannot_tell_anothers_from_one_that_never_was()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator, Other);
        await bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, change: Explained.As("mine"));

        (await bench.Gateway.StoryAsync("mine", TestGateway.BackendKey)).Say("caller").ShouldBe("backend");
        var anothers = await bench.Gateway.ExplainAsync("mine", OtherKey);
        var unknown = await bench.Gateway.ExplainAsync("never", OtherKey);
        anothers.ShouldBe(404, "unknown-route");
        anothers.Error.ShouldBe("Nothing can be told of a request with this id: either nothing is known of it, or it is older than 24 hours, or it is another caller's.");
        unknown.Error.ShouldBe(anothers.Error);
        anothers.Headers.Keys.Order().ShouldBe(unknown.Headers.Keys.Order());
    }

    [Fact]
    public async Task The_bearer_of_a_token_reads_those_of_its_own_user_alone()
    {
        await using var bench = await FlightBench.StartAsync($"JWT_SECRET={GatewayFixture.JwtSecret}");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(FlightBench.Body) };
        request.Headers.Add("Authorization", $"Bearer {TokenOf("anna")}");
        request.Headers.Add("X-Request-Id", "annas");
        (await bench.Gateway.SendAsync(request)).ShouldBeAnImage();

        (await bench.Gateway.StoryAsync("annas", TokenOf("anna"))).Say("caller").ShouldBe("jwt");
        (await bench.Gateway.ExplainAsync("annas", TokenOf("ben"))).ShouldBe(404, "unknown-route");
    }

    [Fact]
    public async Task An_id_that_was_used_twice_has_both_stories_the_newest_first_and_each_caller_its_own()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator, Other);
        await bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, change: Explained.As("twice"));
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, change: request =>
        {
            request.Headers.Authorization = new("Bearer", OtherKey);
            request.Headers.Add("X-Request-Id", "twice");
        });
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.Gateway.GenerateAsync(TestGateway.Dev, "no JSON", change: Explained.As("twice"));
        await Eventually.BeAsync(async () => (await bench.Gateway.ExplainAsync("twice")).Json.GetProperty("stories").GetArrayLength() == 3, "three stories");

        var all = (await bench.Gateway.ExplainAsync("twice")).Json.GetProperty("stories");
        var own = (await bench.Gateway.ExplainAsync("twice", TestGateway.BackendKey)).Json.GetProperty("stories");

        all.Each("outcome").ShouldBe(["malformed-body", "ok", "ok"]);
        all.Each("caller").ShouldBe(["backend", "other", "backend"]);
        own.Each("outcome").ShouldBe(["malformed-body", "ok"]);
    }

    [Fact]
    public async Task Without_a_key_or_with_a_wrong_one_nothing_is_told_and_a_browser_is_asked_for_the_operators()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        await bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, change: Explained.As("mine"));
        await bench.Gateway.StoryAsync("mine");

        (await bench.Gateway.ExplainAsync("mine", key: null)).ShouldBe(401, "unauthenticated");
        (await bench.Gateway.ExplainAsync("mine", "wrong")).ShouldBe(401, "unauthenticated");
        (await bench.Gateway.ExplainAsync("mine", key: null, "text/html")).Header("WWW-Authenticate").ShouldStartWith("Basic ");
        (await AskAsync(BasicOf("wrong"))).ShouldBe(401, "unauthenticated");
        Explained.TextOf(await AskAsync(BasicOf(Explained.OperatorKey))).ShouldStartWith("<!doctype html>");
        using var post = new HttpRequestMessage(HttpMethod.Post, "/explain/mine");
        (await bench.Gateway.SendAsync(post)).ShouldBe(405, "method-not-allowed");

        Task<Answer> AskAsync(string authorization) => bench.Gateway.ExplainAsync("mine", key: null, "text/html", request => request.Headers.Add("Authorization", authorization));
    }

    [Fact]
    public async Task Where_there_is_no_operator_callers_read_theirs_all_the_same()
    {
        await using var bench = await FlightBench.StartAsync();
        await bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, change: Explained.As("mine"));

        (await bench.Gateway.StoryAsync("mine", TestGateway.BackendKey)).Say("outcome").ShouldBe("ok");
        (await bench.Gateway.ExplainAsync("mine", key: null, "text/html")).ShouldBe(401, "unauthenticated");
    }

    [Fact]
    public async Task A_story_is_told_for_a_day()
    {
        await using var bench = await FlightBench.StartAsync(Explained.WithOperator);
        await bench.Gateway.GenerateAsync(TestGateway.Dev, FlightBench.Body, change: Explained.As("old"));
        bench.Time.Advance(TimeSpan.FromHours(23));
        await bench.Gateway.StoryAsync("old");

        bench.Time.Advance(TimeSpan.FromHours(1));

        (await bench.Gateway.ExplainAsync("old")).ShouldBe(404, "unknown-route");
    }

    [Fact]
    public async Task The_last_ten_thousand_are_kept_and_strangers_push_none_of_them_out()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, Explained.WithOperator);
        await gateway.GenerateAsync(TestGateway.Dev, "no JSON", change: Explained.As("first"));
        await gateway.StoryAsync("first");
        var recent = gateway.Services.GetRequiredService<RecentStories>();
        for (var i = 1; i < RecentStories.Most; i++)
        {
            recent.Add(new RequestStory { RequestId = "other", Reader = "backend", At = TimeProvider.System.GetUtcNow() });
            recent.Add(new RequestStory { RequestId = "stranger", At = TimeProvider.System.GetUtcNow() });
        }

        await gateway.StoryAsync("first");
        recent.Find("stranger", reader: null).Count().ShouldBe(1_000);
        await gateway.GenerateAsync(TestGateway.Dev, "no JSON", change: Explained.As("last"));
        await gateway.StoryAsync("last");

        (await gateway.ExplainAsync("first")).ShouldBe(404, "unknown-route");
        recent.Find("other", reader: null).Count().ShouldBe(RecentStories.Most - 1);
    }

    private static string TokenOf(string user) => AuthenticationTests.Token($$"""{"sub":"{{user}}"}""");

    private static string BasicOf(string password) => "Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"operator:{password}"));
}
