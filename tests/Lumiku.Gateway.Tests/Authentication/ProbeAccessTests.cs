using System.Net;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Authentication;

/// <summary>The operator's key is served images only as a probe, with every entitlement and no limits; nobody else's is.</summary>
public class ProbeAccessTests
{
    private const string OperatorKey = "operator-key-0123456789abcdef";
    private const string CallerKey = "caller-key-0123456789abcdef";

    [Fact]
    public async Task A_probe_is_served_the_model_it_names_past_all_limits_and_upstream_sees_nothing_of_it()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, "Tiers:free:RequestsPerMinute=1", "Tiers:free:UnitsPerDay=0", "Tiers:internal:UnitsPerDay=0");

        for (var i = 0; i < 3; i++)
        {
            var answer = await AskAsync(gateway, OperatorKey, "true");
            answer.ShouldBeAnImage();
            answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Dev);
            answer.Header("X-Cache").ShouldBe("BYPASS");
        }

        huggingFace.Received.Count.ShouldBe(3);
        huggingFace.Received.ShouldAllBe(request => request.Header("X-Lumiku-Probe") == null && request.Header("Authorization") == $"Bearer {TestGateway.UpstreamToken}");
    }

    [Theory]
    [InlineData("POST", $"/models/{TestGateway.Dev}", null)]
    [InlineData("POST", $"/models/{TestGateway.Dev}", "false")]
    [InlineData("POST", $"/models/{TestGateway.Dev}", "true, true")]
    [InlineData("GET", $"/models/{TestGateway.Dev}", "true")]
    [InlineData("GET", "/limits", "true")]
    public async Task The_operators_key_is_no_callers_otherwise(string method, string path, string? probe)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace);

        (await AskAsync(gateway, OperatorKey, probe, method, path)).ShouldBe(401, "unauthenticated");

        huggingFace.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task From_anybody_else_the_header_means_nothing()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, $"Callers:studio:Key={CallerKey}", "Callers:studio:Limits:UnitsPerDay=1");

        (await AskAsync(gateway, "nobody's-key", "true")).ShouldBe(401, "unauthenticated");
        var first = await AskAsync(gateway, CallerKey, "true");
        var second = await AskAsync(gateway, CallerKey, "true");

        first.ShouldBeAnImage();
        first.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell, "it has not the entitlement");
        second.ShouldBe(429, "quota-exceeded");
        huggingFace.Received.ShouldAllBe(request => request.Header("X-Lumiku-Probe") == null);
    }

    [Fact]
    public async Task Without_an_operators_key_there_are_no_probes()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);

        (await AskAsync(gateway, OperatorKey, "true")).ShouldBe(401, "unauthenticated");
    }

    [Fact]
    public async Task A_caller_who_is_named_operator_is_another()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, $"Callers:operator:Key={CallerKey}", "Callers:operator:Limits:UnitsPerDay=1");
        (await AskAsync(gateway, OperatorKey, "true")).ShouldBeAnImage();
        (await AskAsync(gateway, OperatorKey, "true")).ShouldBeAnImage();

        var limits = await AskAsync(gateway, CallerKey, probe: null, "GET", "/limits");

        limits.Status.ShouldBe(HttpStatusCode.OK, Encoding.UTF8.GetString(limits.Body));
        limits.Json.GetProperty("caller").GetString().ShouldBe("operator");
        limits.Json.GetProperty("day").GetProperty("used").GetInt32().ShouldBe(0);
    }

    private static Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, params string[] settings) =>
        TestGateway.StartAsync(huggingFace, [$"OPERATOR_KEY={OperatorKey}", .. settings]);

    private static async Task<Answer> AskAsync(TestGateway gateway, string key, string? probe, string method = "POST", string path = $"/models/{TestGateway.Dev}")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "POST" ? TestGateway.Json(FlightBench.Body) : null };
        request.Headers.Add("Authorization", $"Bearer {key}");
        request.Headers.Add("Cache-Control", "no-store");
        if (probe is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Lumiku-Probe", probe);
        }

        return await gateway.SendAsync(request);
    }
}
