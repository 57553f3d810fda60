using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>A gateway of its own process that a few callers have used in ways that are known, and the browser that looks at it.</summary>
public sealed class OperatorsGateway : IAsyncLifetime
{
    public const string OperatorKey = "operator-key-0123456789abcdef";

    private int _picture;

    public Browser Browser { get; } = new();

    public EditedSettings Settings { get; } = new();

    public HuggingFaceSimulator HuggingFace { get; private set; } = null!;

    public GatewayProcess Process { get; private set; } = null!;

    public Uri Address => Process.Client.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        if (!LongRun.IsOn)
        {
            return;
        }

        HuggingFace = await HuggingFaceSimulator.StartAsync();
        Process = await GatewayProcess.ServeAsync(HuggingFace.Address, new()
        {
            ["OPERATOR_KEY"] = OperatorKey,
            ["GATEWAY_SETTINGS"] = Settings.Path,
            ["Tiers__basic__RequestsPerMinute"] = "1",
            ["Tiers__payg__UnitsPerDay"] = "0",
            ["Tiers__pro__UnitsPerDay"] = "20",
            ["Generation__FailureMemory"] = "00:00:00",
            ["Cost__PerUnit"] = "0.01",
        });
        await RunAsync();
        await Browser.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Settings.Dispose();
        if (!LongRun.IsOn)
        {
            return;
        }

        await Browser.DisposeAsync();
        await Process.DisposeAsync();
        await HuggingFace.DisposeAsync();
    }

    public async Task AskAsync(int status, string model, string tier, string? body = null, string user = "anna", string? id = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json(body ?? Picture()) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", user);
        request.Headers.Add("X-Lumiku-Tier", tier);
        if (id is not null)
        {
            request.Headers.Add("X-Request-Id", id);
        }

        using var answer = await Process.Client.SendAsync(request);
        ((int)answer.StatusCode).ShouldBe(status, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Ten requests: three pictures made, three found, two refused, one failed, one declined.</summary>
    private async Task RunAsync()
    {
        var lighthouse = Picture();
        await AskAsync(200, TestGateway.Sd3, "pro", lighthouse);
        await AskAsync(200, TestGateway.Sd3, "pro", lighthouse);
        await AskAsync(200, TestGateway.Sd3, "pro", lighthouse, "bert");
        await AskAsync(200, TestGateway.Sd3, "free", lighthouse, "carl");
        await AskAsync(200, TestGateway.Dev, "free", user: "carl", id: "substituted-1");
        await AskAsync(200, TestGateway.Sd3, "basic", user: "dora");
        await AskAsync(429, TestGateway.Sd3, "basic", user: "dora");
        await AskAsync(429, TestGateway.Sd3, "payg", user: "emil", id: "refused-1");
        HuggingFace.BehaveNext(Misbehaviour.Empty500);
        await AskAsync(502, TestGateway.Sd3, "pro", user: "bert", id: "failed-1");
        await AskAsync(400, TestGateway.Sd3, "pro", "{", "bert");
    }

    private string Picture() => $$"""{"inputs":"secret picture {{Interlocked.Increment(ref _picture)}}"}""";
}

/// <summary>Tests that look at one gateway's pages, one after the other; what one does the next sees.</summary>
[CollectionDefinition(Name)]
public sealed class Operators : ICollectionFixture<OperatorsGateway>
{
    public const string Name = "operators";
}
