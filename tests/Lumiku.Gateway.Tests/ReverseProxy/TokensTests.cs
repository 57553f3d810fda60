using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;
using Yarp.ReverseProxy;

namespace Lumiku.Gateway.Tests.ReverseProxy;

/// <summary>Several upstream tokens, each a destination: one that is refused rests, and no request is lost by it.</summary>
public class TokensTests
{
    private const string SecondToken = "hf_SecondToken0123456789";
    private const string Cluster = "ReverseProxy:Clusters:huggingface";

    [Fact]
    public async Task All_tokens_are_used_each_at_its_destination()
    {
        await using var first = await HuggingFaceSimulator.StartAsync();
        await using var second = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(first, second);

        await ShouldAllBeImagesAsync(gateway, 60);

        first.Received.ShouldAllBe(request => request.Header("Authorization") == $"Bearer {TestGateway.UpstreamToken}");
        second.Received.ShouldAllBe(request => request.Header("Authorization") == $"Bearer {SecondToken}");
        first.Received.ShouldNotBeEmpty();
        second.Received.ShouldNotBeEmpty();
        (first.Received.Count + second.Received.Count).ShouldBe(60);
    }

    [Fact]
    public async Task Two_tokens_may_go_to_one_address()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, huggingFace);

        await ShouldAllBeImagesAsync(gateway, 60);

        huggingFace.Received.Select(request => request.Header("Authorization")).Distinct().Order(StringComparer.Ordinal)
            .ShouldBe([$"Bearer {SecondToken}", $"Bearer {TestGateway.UpstreamToken}"]);
    }

    [Theory]
    [InlineData("credits-depleted")]
    [InlineData("invalid-login")]
    [InlineData("token-seems-invalid")]
    [InlineData("token-scope")]
    [InlineData("rate-limited")]
    [InlineData("rate-limited-retry-after(60)")]
    public async Task Of_two_hundred_requests_none_is_lost_while_one_of_two_tokens_is_refused(string kind)
    {
        await using var refused = await HuggingFaceSimulator.StartAsync();
        await using var good = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(refused, good);
        refused.Behave("*", Misbehaviour.Parse(kind));

        await ShouldAllBeImagesAsync(gateway, 200);

        refused.Received.Count.ShouldBeInRange(1, 16); // Those that were on their way before the first refusal.
        good.Received.Count.ShouldBe(200);
    }

    [Fact]
    public async Task A_token_that_runs_out_under_load_costs_nobody_an_image()
    {
        await using var first = await HuggingFaceSimulator.StartAsync();
        await using var second = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(first, second);
        var running = ShouldAllBeImagesAsync(gateway, 200);
        await Eventually.BeAsync(() => first.Received.Count >= 20, "both serve");
        first.Behave("*", Misbehaviour.CreditsDepleted);

        await running;

        second.Received.Count.ShouldBeGreaterThan(100);
    }

    [Theory]
    [InlineData("rate-limited-retry-after(1)", "00:10:00")] // Upstream's own word comes first.
    [InlineData("credits-depleted", "00:00:01")]
    public async Task A_refused_token_rests_until_retry_after_or_for_the_reactivation_period_and_is_asked_again(string kind, string period)
    {
        await using var refused = await HuggingFaceSimulator.StartAsync();
        await using var good = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(refused, good, $"{Cluster}:HealthCheck:Passive:ReactivationPeriod={period}", $"{Cluster}:LoadBalancingPolicy=FirstAlphabetical");
        refused.Behave("*", Misbehaviour.Times(1, Misbehaviour.Parse(kind)));
        var seed = 0;

        await Eventually.BeAsync(
            async () =>
            {
                (await gateway.GenerateAsync(TestGateway.Sd3, Body(seed++))).ShouldBeAnImage();
                return refused.Received.Count == 2;
            },
            "the token is asked again");

        (refused.Received[1].ArrivedAt - refused.Received[0].ArrivedAt).TotalSeconds.ShouldBeInRange(0.95, 5);
        good.Received.Count.ShouldBe(seed - 1);
    }

    [Fact]
    public async Task The_last_token_never_rests_and_its_refusals_are_told()
    {
        await using var first = await HuggingFaceSimulator.StartAsync();
        await using var second = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(first, second, $"{Cluster}:LoadBalancingPolicy=FirstAlphabetical");
        first.Behave("*", Misbehaviour.CreditsDepleted);
        second.Behave("*", Misbehaviour.InvalidLogin);

        for (var seed = 0; seed < 10; seed++)
        {
            var answer = await gateway.GenerateAsync(TestGateway.Sd3, Body(seed));
            answer.ShouldBe(502, "upstream-account");
            answer.Json.GetProperty("upstream").GetProperty("status").GetInt32().ShouldBe(401);
        }

        first.Received.Count.ShouldBe(1);
        second.Received.Count.ShouldBe(10);
    }

    [Fact]
    public async Task A_token_alone_is_asked_for_every_generation()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);
        huggingFace.Behave("*", Misbehaviour.Times(3, Misbehaviour.RateLimitedRetryAfter(60)));

        for (var seed = 0; seed < 3; seed++)
        {
            (await gateway.GenerateAsync(TestGateway.Sd3, Body(seed))).ShouldBe(429, "upstream-rate-limited");
        }

        (await gateway.GenerateAsync(TestGateway.Sd3, Body(3))).ShouldBeAnImage();
    }

    [Theory]
    [InlineData("too-large-to-load", 404)] // A 403 that says nothing of the account.
    [InlineData("unexpected-keyword", 422)]
    [InlineData("deprecated", 404)]
    [InlineData("bad-gateway", 502)]
    public async Task A_refusal_that_is_not_of_the_account_makes_no_token_rest(string kind, int status)
    {
        await using var first = await HuggingFaceSimulator.StartAsync();
        await using var second = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(first, second, $"{Cluster}:LoadBalancingPolicy=FirstAlphabetical");
        first.Behave("*", Misbehaviour.Parse(kind));

        for (var seed = 0; seed < 5; seed++)
        {
            ((int)(await gateway.GenerateAsync(TestGateway.Sd3, Body(seed))).Status).ShouldBe(status);
        }

        first.Received.Count.ShouldBe(5);
        second.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_look_at_a_model_that_is_refused_makes_the_token_rest_too()
    {
        await using var refused = await HuggingFaceSimulator.StartAsync();
        await using var good = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(refused, good, $"{Cluster}:LoadBalancingPolicy=FirstAlphabetical");
        refused.Behave("*", Misbehaviour.InvalidLogin);

        (await LookAsync(gateway)).ShouldBe(502, "upstream-account");
        for (var look = 0; look < 5; look++)
        {
            ((int)(await LookAsync(gateway)).Status).ShouldBe(200);
        }

        (await gateway.GenerateAsync(TestGateway.Sd3, Body(1))).ShouldBeAnImage();
        refused.Received.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("credits-depleted", 502, "upstream-account")]
    [InlineData("rate-limited", 429, "upstream-rate-limited")]
    public async Task While_the_other_is_found_ill_a_refused_token_is_asked_once_a_generation_and_does_not_rest(string kind, int status, string type)
    {
        await using var refused = await HuggingFaceSimulator.StartAsync();
        await using var ill = await HuggingFaceSimulator.StartAsync();
        await using var well = new RawServer();
        await using var illness = new RawServer();
        illness.Say("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
        await using var gateway = await StartAsync(
            refused, ill, $"{Cluster}:HealthCheck:Active:Enabled=true", $"{Cluster}:HealthCheck:Active:Interval=01:00:00", $"{Cluster}:HealthCheck:Active:Policy=ConsecutiveFailures",
            $"{Cluster}:Metadata:ConsecutiveFailuresHealthPolicy.Threshold=1", $"{Cluster}:Destinations:primary:Health=http://127.0.0.1:{well.Port}/", $"{Cluster}:Destinations:second:Health=http://127.0.0.1:{illness.Port}/",
            "Generation:Deadline=00:00:03", "Generation:FailureMemory=00:00:00");
        gateway.Services.GetRequiredService<IProxyStateLookup>().TryGetCluster("huggingface", out var cluster).ShouldBeTrue();
        await Eventually.BeAsync(() => cluster.DestinationsState.AvailableDestinations is [{ DestinationId: "primary" }], "the second is found ill");
        refused.Behave("*", Misbehaviour.Parse(kind));

        for (var seed = 0; seed < 2; seed++)
        {
            (await gateway.GenerateAsync(TestGateway.Sd3, Body(seed))).ShouldBe(status, type);
        }

        refused.Received.Count.ShouldBe(2);
        ill.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_passive_policy_that_does_not_exist_is_refused()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();

        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(huggingFace, $"{Cluster}:HealthCheck:Passive:Policy=Sleeping"));

        refusal.Message.ShouldContain("Sleeping");
    }

    private static string Body(int seed) => $$$"""{"inputs":"a heron","parameters":{"seed":{{{seed}}}}}""";

    /// <summary>The first is the destination <c>primary</c> with the usual token, the second <c>second</c> with its own.</summary>
    private static Task<TestGateway> StartAsync(HuggingFaceSimulator first, HuggingFaceSimulator second, params string[] settings) => TestGateway.StartAsync(
        first, [$"Credentials:second={SecondToken}", $"{Cluster}:Destinations:second:Address={second.Address}", $"{Cluster}:Destinations:second:Metadata:Credential=second", .. settings]);

    private static Task ShouldAllBeImagesAsync(TestGateway gateway, int count) => Parallel.ForEachAsync(
        Enumerable.Range(0, count),
        new ParallelOptions { MaxDegreeOfParallelism = 8 },
        async (seed, _) => (await gateway.GenerateAsync(TestGateway.Sd3, Body(seed))).ShouldBeAnImage());

    private static async Task<Answer> LookAsync(TestGateway gateway)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/models/{TestGateway.Sd3}");
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        return await gateway.SendAsync(request);
    }
}
