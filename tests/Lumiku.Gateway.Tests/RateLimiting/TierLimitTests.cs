using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Whose use is counted, and by whose rules.</summary>
public class TierLimitTests
{
    private const string Requests = "\"requests\"";

    [Fact]
    public async Task Each_user_has_its_own_whichever_caller_names_them()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=1", "Callers:second:Key=second-key-0123456789", "Callers:second:ActsForUsers=true");
        (await bench.AskAsync("anna")).ShouldBeAnImage();
        (await bench.AskAsync("ben")).ShouldBeAnImage();

        (await bench.AskAsync("anna")).ShouldBe(429, "rate-limited");
        (await SendAsync(bench, "second-key-0123456789", user: "anna")).ShouldBe(429, "rate-limited");
        (await SendAsync(bench, "second-key-0123456789", user: "cleo")).ShouldBeAnImage();
    }

    [Fact]
    public async Task A_tier_without_a_user_is_counted_on_the_caller_by_that_tiers_rules()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=2");

        (await bench.AskAsync(user: null, tier: "free")).Header("RateLimit").ShouldStartWith($"{Requests};r=1");
        (await bench.AskAsync(user: null, tier: "FREE")).Header("RateLimit").ShouldStartWith($"{Requests};r=0");
        (await bench.AskAsync(user: null, tier: "free")).ShouldBe(429, "rate-limited");
        (await bench.AskAsync("backend")).ShouldBeAnImage();
    }

    [Fact]
    public async Task A_callers_own_limits_hold_for_its_own_requests_in_place_of_its_tiers()
    {
        await using var bench = await LimitBench.StartAsync(
            "RequestsPerMinute=10",
            "Callers:studio:Key=studio-key-0123456789", "Callers:studio:Tier=free", "Callers:studio:ActsForUsers=true", "Callers:studio:Limits:RequestsPerMinute=30", "Callers:studio:Limits:UnitsPerDay=1");

        var own = await SendAsync(bench, "studio-key-0123456789");
        LimitBench.ShouldSay(own, "\"requests\";q=30;w=60, \"day\";q=1;w=86400", "\"requests\";r=29;t=2, \"day\";r=0;t=43200");
        var refused = await SendAsync(bench, "studio-key-0123456789");
        LimitBench.ShouldRefuse(refused, "quota-exceeded", 43200, "day");
        refused.Json.GetProperty("detail").GetString()!.ShouldStartWith("Limits of the caller 'studio': day: 1 units");
        (await SendAsync(bench, "studio-key-0123456789", user: "anna")).Header("RateLimit-Policy").ShouldBe("\"requests\";q=10;w=60");
        (await SendAsync(bench, "studio-key-0123456789", tier: "free")).Header("RateLimit-Policy").ShouldBe("\"requests\";q=10;w=60");
    }

    [Fact]
    public async Task A_user_at_another_tier_keeps_what_was_used()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=1", "Tiers:pro:UnitsPerDay=3");
        (await bench.AskAsync()).ShouldBeAnImage();
        (await bench.AskAsync()).ShouldBe(429, "quota-exceeded");

        var upgraded = await bench.AskAsync(tier: "pro");
        upgraded.Header("RateLimit").ShouldBe("\"day\";r=1;t=43200");
        (await bench.AskAsync(tier: "free")).ShouldBe(429, "quota-exceeded");
        (await bench.AskAsync(tier: "pro")).ShouldBeAnImage();
        (await bench.AskAsync(tier: "pro")).ShouldBe(429, "quota-exceeded");
    }

    /// <summary>The table of the contract, as shipped.</summary>
    [Theory]
    [InlineData("free", "\"requests\";q=10;w=60, \"concurrency\";q=1, \"day\";q=10;w=86400, \"month\";q=300;w=2592000", 5)]
    [InlineData("payg", "\"requests\";q=20;w=60, \"concurrency\";q=2", 5)]
    [InlineData("basic", "\"requests\";q=30;w=60, \"concurrency\";q=2, \"day\";q=50;w=86400, \"month\";q=1500;w=2592000", 10)]
    [InlineData("pro", "\"requests\";q=60;w=60, \"concurrency\";q=4, \"day\";q=100;w=86400, \"month\";q=3000;w=2592000", 20)]
    [InlineData("enterprise", "\"requests\";q=300;w=60, \"concurrency\";q=16, \"day\";q=500;w=86400, \"month\";q=15000;w=2592000", 60)]
    [InlineData("internal", "\"requests\";q=600;w=60, \"concurrency\";q=64", 100)]
    public async Task The_shipped_tiers_have_the_limits_of_the_contract(string tier, string policy, int burst)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartShippedAsync(huggingFace, new ManualTime());

        var first = await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, tier);

        first.Header("RateLimit-Policy").ShouldBe(policy);
        for (var i = 1; i < burst; i++)
        {
            (await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, tier)).ShouldBeAnImage();
        }

        (await gateway.GenerateAsync(TestGateway.Sd3, FlightBench.Body, tier)).ShouldBe(429, "rate-limited");
    }

    [Theory]
    [InlineData("Tiers:free:RequestsPerMinute=0", "'Tiers:free:RequestsPerMinute' must be between 1 and 1000000, or left out for unlimited, and is 0.")]
    [InlineData("Tiers:free:Burst=-1", "'Tiers:free:Burst' must be between 1 and 1000000, or left out for RequestsPerMinute, and is -1.")]
    [InlineData("Tiers:free:Burst=5", "'Tiers:free:Burst' says how many requests in one go, but no RequestsPerMinute how many follow.")]
    [InlineData("Tiers:free:ConcurrentRequests=100001", "'Tiers:free:ConcurrentRequests' must be between 1 and 100000, or left out for unlimited, and is 100001.")]
    [InlineData("Tiers:free:UnitsPerDay=-1", "'Tiers:free:UnitsPerDay' must be between 0 and 1000000000, or left out for unlimited, and is -1.")]
    [InlineData("Tiers:free:UnitsPerMonth=many", "Tiers:free:UnitsPerMonth")]
    [InlineData("Tiers:free:UnitsPerWeek=1", "UnitsPerWeek")]
    [InlineData("Callers:backend:Limits:UnitsPerDay=-1", "'Callers:backend:Limits:UnitsPerDay' must be between 0 and 1000000000, or left out for unlimited, and is -1.")]
    [InlineData("Callers:backend:Limits:Entitlements:0=PRO", "Entitlements")]
    [InlineData("Quota:TimeZone=Europe/Berlino", "'Quota:TimeZone' is 'Europe/Berlino', which is no IANA time zone that this machine knows, such as 'UTC' or 'Europe/Berlin'.")]
    [InlineData("Quota:TimeZone=", "'Quota:TimeZone' is '', which is no IANA time zone")]
    [InlineData("Quota:Zone=UTC", "Zone")]
    [InlineData("Quota:TimeZone=localtime", "'Quota:TimeZone' is 'localtime', which is no IANA time zone")]
    [InlineData("Quota:TimeZone=right/UTC", "'Quota:TimeZone' is 'right/UTC', which is no IANA time zone")]
    [InlineData("Tiers:free:UnitsPerDay=", "'Tiers:free:UnitsPerDay' is empty: leave it out, or write null, for unlimited.")]
    [InlineData("Models:Catalog:a/b:ConcurrentGenerations=", "'Models:Catalog:a/b:ConcurrentGenerations' is empty: leave it out, or write null, for unlimited.")]
    [InlineData("Models:Catalog:a/b:ConcurrentGenerations=0", "'Models:Catalog:a/b:ConcurrentGenerations' must be between 1 and 10000, or left out for unlimited, and is 0.")]
    [InlineData("Generation:AbandonedPerUser=0", "AbandonedPerUser")]
    [InlineData("OPERATOR_KEY=a b", "'OPERATOR_KEY' must be visible ASCII characters without spaces, as it travels in a header.")]
    [InlineData("OPERATOR_KEY=hf_TestTokenOfTheGateway0123", "'OPERATOR_KEY' is also a token for upstream or JWT_SECRET")]
    [InlineData("OPERATOR_KEY=backend-key-0123456789abcdef", "'OPERATOR_KEY' is also the key of Callers:backend")]
    public async Task A_limit_that_cannot_be_is_refused_by_its_key(string setting, string mistake)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();

        var refusal = await Should.ThrowAsync<Gateway.Settings.SettingsException>(async () => await (await TestGateway.StartAsync(huggingFace, setting)).DisposeAsync());

        refusal.Message.ShouldContain(mistake);
        refusal.Message.ShouldNotContain(TestGateway.BackendKey);
    }

    private static async Task<Answer> SendAsync(LimitBench bench, string key, string? user = null, string? tier = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json($$"""{"inputs":"{{Guid.NewGuid()}}"}""") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (user is not null)
        {
            request.Headers.Add("X-Lumiku-User", user);
        }

        if (tier is not null)
        {
            request.Headers.Add("X-Lumiku-Tier", tier);
        }

        return await bench.Gateway.SendAsync(request);
    }
}
