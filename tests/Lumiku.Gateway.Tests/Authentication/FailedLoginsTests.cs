using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Authentication;

public class FailedLoginsTests
{
    [Fact]
    public async Task After_too_many_wrong_keys_an_address_gets_429_but_a_right_key_is_served()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Limits:FailedLoginsPerMinute=3");

        for (var i = 0; i < 3; i++)
        {
            (await AskAsync(gateway, "wrong")).ShouldBe(401, "unauthenticated");
        }

        var refused = await AskAsync(gateway, "wrong");
        refused.ShouldBe(429, "rate-limited");
        int.Parse(refused.Header("Retry-After")).ShouldBeInRange(1, 20);
        (await AskAsync(gateway, TestGateway.BackendKey)).ShouldBeAnImage();
        (await AskAsync(gateway, "wrong")).ShouldBe(429, "rate-limited");
    }

    [Fact]
    public async Task Behind_a_trusted_proxy_the_forwarded_address_is_counted()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace, "Limits:FailedLoginsPerMinute=1", "Network:TrustedProxies:0=127.0.0.0/8", "Network:TrustedProxies:1=10.0.0.7");

        (await AskAsync(gateway, "wrong", "203.0.113.1")).ShouldBe(401, "unauthenticated");
        (await AskAsync(gateway, "wrong", "203.0.113.1")).ShouldBe(429, "rate-limited");
        (await AskAsync(gateway, "wrong", "203.0.113.2")).ShouldBe(401, "unauthenticated");

        // The right-most address that is no trusted proxy counts; what stands left of it is the caller's invention.
        (await AskAsync(gateway, "wrong", "198.51.100.9, 203.0.113.1, 10.0.0.7")).ShouldBe(429, "rate-limited");
        // An IPv6 customer has a whole /64.
        (await AskAsync(gateway, "wrong", "2001:db8:1:2::1")).ShouldBe(401, "unauthenticated");
        (await AskAsync(gateway, "wrong", "2001:db8:1:2:ffff::9")).ShouldBe(429, "rate-limited");
        (await AskAsync(gateway, "wrong", "2001:db8:1:3::1")).ShouldBe(401, "unauthenticated");
    }

    [Fact]
    public async Task Without_a_trusted_proxy_a_forwarded_address_is_not_believed()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Limits:FailedLoginsPerMinute=1");

        (await AskAsync(gateway, "wrong", "203.0.113.1")).ShouldBe(401, "unauthenticated");
        (await AskAsync(gateway, "wrong", "203.0.113.2")).ShouldBe(429, "rate-limited");
    }

    private static async Task<Answer> AskAsync(TestGateway gateway, string key, string? forwardedFor = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}") { Content = TestGateway.Json("""{"inputs":"a heron"}""") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (forwardedFor is not null)
        {
            request.Headers.Add("X-Forwarded-For", forwardedFor);
        }

        return await gateway.SendAsync(request);
    }
}
