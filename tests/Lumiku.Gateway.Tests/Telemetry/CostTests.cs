using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>With prices in the settings it is known what upstream is paid, and what was saved.</summary>
public sealed class CostTests : IAsyncLifetime
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    private HuggingFaceSimulator _huggingFace = null!;
    private GatewayProcess _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await GatewayProcess.ServeAsync(_huggingFace.Address, new() { ["OPERATOR_KEY"] = OperatorKey, ["GATEWAY_SETTINGS"] = TestGateway.UnlimitedSettings }, "--Cost:Currency=EUR", "--Cost:PerUnit=0.01", $"--Models:Catalog:{TestGateway.Dev}:Price=0.05");
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
    }

    [Fact]
    public async Task What_is_spent_and_saved_is_counted_and_logged()
    {
        await AskAsync(TestGateway.Dev, "a heron", "pro", cost: 0.05m, saved: 0);
        await AskAsync(TestGateway.Dev, "a heron", "pro", cost: 0, saved: 0.05m);
        await AskAsync(TestGateway.Dev, "a heron", "free", cost: 0.01m, saved: 0.04m);
        await AskAsync(TestGateway.Dev, "a heron", "free", cost: 0, saved: 0.05m);
        await AskAsync(TestGateway.Sd3, "a heron", "free", cost: 0.01m, saved: 0);
        _huggingFace.BehaveNext(Misbehaviour.Empty500);
        await AskAsync(TestGateway.Sd3, "another heron", "free", cost: null, saved: null);

        await Task.Delay(TimeSpan.FromMilliseconds(310), TimeProvider.System, TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("Authorization", $"Bearer {OperatorKey}");
        var metrics = Exposition.Parse(await (await _gateway.Client.SendAsync(request, TestContext.Current.CancellationToken)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        metrics.Sum("lumiku_cost_spent_total", "lumiku_currency=\"EUR\"", TestGateway.Dev).ShouldBe(0.05, 1e-9);
        metrics.Sum("lumiku_cost_spent_total").ShouldBe(0.07, 1e-9);
        metrics.Sum("lumiku_cost_saved_total", "lumiku_saving=\"hit\"").ShouldBe(0.06, 1e-9);
        metrics.Sum("lumiku_cost_saved_total", "lumiku_saving=\"substitution\"").ShouldBe(0.08, 1e-9);
    }

    private async Task AskAsync(string model, string prompt, string tier, decimal? cost, decimal? saved)
    {
        var id = $"{Guid.NewGuid():N}";
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json($$"""{"inputs":"{{prompt}}"}""") };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", "anna");
        request.Headers.Add("X-Lumiku-Tier", tier);
        request.Headers.Add("X-Request-Id", id);
        using var answer = await _gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        await Eventually.BeAsync(() => Line(id).ValueKind != System.Text.Json.JsonValueKind.Undefined, "it is logged");

        (Line(id).TryGetProperty("Cost", out var spent) ? spent.GetDecimal() : (decimal?)null).ShouldBe(cost);
        using var question = new HttpRequestMessage(HttpMethod.Get, $"/explain/{id}");
        question.Headers.Add("Authorization", $"Bearer {OperatorKey}");
        using var told = await _gateway.Client.SendAsync(question, TestContext.Current.CancellationToken);
        var story = System.Text.Json.JsonElement.Parse(await told.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).GetProperty("stories")[0];
        (story.TryGetProperty("cost", out var explained) ? explained.GetProperty("spent").GetDecimal() : (decimal?)null).ShouldBe(cost);
        (story.TryGetProperty("cost", out explained) ? explained.GetProperty("savedByCache").GetDecimal() + explained.GetProperty("savedBySubstitution").GetDecimal() : (decimal?)null).ShouldBe(saved);
        (Line(id).TryGetProperty("Saved", out var kept) ? kept.GetDecimal() : (decimal?)null).ShouldBe(saved);
    }

    private System.Text.Json.JsonElement Line(string id) => _gateway.Lines().FirstOrDefault(line => line.TryGetProperty("RequestId", out var value) && value.GetString() == id && line.TryGetProperty("Outcome", out _));
}
