using System.Net.Http.Headers;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A gateway whose clock stands still at noon of Sunday, 22 November 2026, UTC, and a simulator that renders at once. The tier <c>free</c> has the limits that the test sets, and no others.</summary>
internal sealed class LimitBench : IAsyncDisposable
{
    private int _seed;

    private LimitBench(HuggingFaceSimulator huggingFace, TestGateway gateway, ManualTime time) => (HuggingFace, Gateway, Time) = (huggingFace, gateway, time);

    public HuggingFaceSimulator HuggingFace { get; }

    public TestGateway Gateway { get; }

    public ManualTime Time { get; }

    public ILimitStore Store => Gateway.Services.GetRequiredService<ILimitStore>();

    public HeldLeases Held => Gateway.Services.GetRequiredService<HeldLeases>();

    /// <param name="settings"><c>Limit=value</c> for the tier <c>free</c>; with a colon, any setting.</param>
    public static async Task<LimitBench> StartAsync(params string[] settings)
    {
        var time = new ManualTime();
        var huggingFace = await HuggingFaceSimulator.StartAsync();
        var gateway = await TestGateway.StartAsync(huggingFace, time, [.. settings.Select(setting => setting.Contains(':', StringComparison.Ordinal) ? setting : $"Tiers:free:{setting}")]);
        return new LimitBench(huggingFace, gateway, time);
    }

    /// <summary>A picture like no other before, for a user of the tier <c>free</c>.</summary>
    public Task<Answer> AskAsync(string? user = "anna", string? body = null, string model = TestGateway.Sd3, string? tier = null, CancellationToken leaving = default) =>
        SendAsync(HttpMethod.Post, $"/models/{model}", user, tier, body ?? $$"""{"inputs":"heron {{Interlocked.Increment(ref _seed)}}"}""", leaving);

    public Task<Answer> GetAsync(string path, string? user = "anna", string? tier = null) => SendAsync(HttpMethod.Get, path, user, tier, body: null, CancellationToken.None);

    public async Task<int> RunningAsync(string user = "anna") =>
        (await Store.LookAsync(new Account(new Owner(IsUser: true, user), "free", UsageLimits.None, new QuotaCalendar(TimeZoneInfo.Utc)))).Running;

    public Task ShouldRunAsync(int requests, string user = "anna") =>
        Eventually.BeAsync(async () => await RunningAsync(user) == requests && Held.Count == requests, $"{requests} requests are under way");

    /// <summary>Both headers, as one list each.</summary>
    public static void ShouldSay(Answer answer, string policy, string state)
    {
        answer.Header("RateLimit-Policy").ShouldBe(policy);
        answer.Header("RateLimit").ShouldBe(state);
    }

    public static void ShouldRefuse(Answer answer, string type, int retryAfter, params string[] policies)
    {
        answer.ShouldBe(429, type);
        answer.Header("Retry-After").ShouldBe($"{retryAfter}");
        answer.Json.GetProperty("violatedPolicies").EnumerateArray().Select(policy => policy.GetString()).ShouldBe(policies);
    }

    public async ValueTask DisposeAsync()
    {
        await HuggingFace.DisposeAsync();
        await Gateway.DisposeAsync();
    }

    private async Task<Answer> SendAsync(HttpMethod method, string path, string? user, string? tier, string? body, CancellationToken leaving)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : TestGateway.Json(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        if (user is not null)
        {
            request.Headers.Add("X-Lumiku-User", user);
        }

        if (tier is not null)
        {
            request.Headers.Add("X-Lumiku-Tier", tier);
        }

        return await Answer.ReadAsync(await Gateway.Client.SendAsync(request, leaving));
    }
}
