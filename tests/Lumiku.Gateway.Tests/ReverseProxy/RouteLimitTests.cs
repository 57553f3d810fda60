using System.Net;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ReverseProxy;

/// <summary>A route's <c>RateLimiterPolicy</c> is one of the settings' own, and follows them.</summary>
public sealed class RouteLimitTests : IAsyncLifetime
{
    private const string Body = """{"inputs":"a heron"}""";
    private const string Policy = "\"RateLimiterPolicies\": { \"gentle\": { \"Kind\": \"FixedWindow\", \"PermitLimit\": 2, \"Window\": \"00:10:00\" } }, \"DefaultTier\":";

    private readonly EditedSettings _settings = new();

    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _settings.Edit(text => text
            .Replace("\"DefaultTier\":", Policy, StringComparison.Ordinal)
            .Replace("\"ClusterId\": \"huggingface\",", "\"ClusterId\": \"huggingface\", \"RateLimiterPolicy\": \"Gentle\",", StringComparison.Ordinal));
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await TestGateway.StartAsync(_huggingFace, $"GATEWAY_SETTINGS={_settings.Path}");
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
        _settings.Dispose();
    }

    [Fact]
    public async Task Beyond_it_a_caller_is_told_when_to_ask_again_and_strangers_use_nothing_of_it()
    {
        for (var i = 0; i < 5; i++)
        {
            (await _gateway.GenerateAsync(TestGateway.Sd3, Body, change: request => request.Headers.Authorization = new("Bearer", "nobody"))).ShouldBe(401, "unauthenticated");
        }

        (await _gateway.GenerateAsync(TestGateway.Sd3, Body, "free")).ShouldBeAnImage();
        (await _gateway.GenerateAsync(TestGateway.Sd3, Body, "pro")).ShouldBeAnImage();
        var refused = await _gateway.GenerateAsync(TestGateway.Sd3, Body, "internal");

        refused.ShouldBe(429, "rate-limited");
        int.Parse(refused.Header("Retry-After"), System.Globalization.CultureInfo.InvariantCulture).ShouldBeInRange(1, 600);
        _huggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_changed_one_counts_while_the_gateway_runs_and_so_does_a_new_one()
    {
        await _gateway.GenerateAsync(TestGateway.Sd3, Body);
        await _gateway.GenerateAsync(TestGateway.Sd3, Body);
        (await _gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBe(429, "rate-limited");

        _settings.Edit(text => text.Replace("\"PermitLimit\": 2", "\"PermitLimit\": 4", StringComparison.Ordinal));
        await Eventually.BeAsync(async () => (await _gateway.GenerateAsync(TestGateway.Sd3, Body)).Status == HttpStatusCode.OK, "more are let through");

        _settings.Edit(text => text.Replace("\"gentle\": {", "\"kind\": { \"Kind\": \"Concurrency\", \"PermitLimit\": 50 }, \"gentle\": {", StringComparison.Ordinal).Replace("\"RateLimiterPolicy\": \"Gentle\"", "\"RateLimiterPolicy\": \"kind\"", StringComparison.Ordinal));
        await Eventually.BeAsync(async () => (await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _gateway.GenerateAsync(TestGateway.Sd3, Body)))).All(answer => answer.Status == HttpStatusCode.OK), "the new policy holds");
    }
}
