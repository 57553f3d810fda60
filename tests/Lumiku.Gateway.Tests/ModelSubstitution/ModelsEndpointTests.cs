using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ModelSubstitution;

/// <summary>The operator sees the catalog in force at <c>/ops/models</c>.</summary>
public class ModelsEndpointTests
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    [Fact]
    public async Task The_operator_sees_every_listed_model_with_its_rules_and_wait()
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, """
            {
              "Tiers": { "free": { "Entitlements": [ "PRO" ] } },
              "Generation": { "WaitLimit": "00:01:00" },
              "Models": { "Unlisted": "Deny", "Catalog": {
                "b/plain": {},
                "a/best": { "Requires": "PRO", "Substitute": "b/plain", "Fallback": "b/plain", "WaitLimit": "00:00:30" },
                "c/words": { "Output": "Json" } } },
              "ReverseProxy": {
                "Routes": { "models": { "ClusterId": "huggingface", "Match": { "Path": "/models/{**model}" } } },
                "Clusters": { "huggingface": { "HttpRequest": { "ActivityTimeout": "00:05:00" } } } }
            }
            """);
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, $"OPERATOR_KEY={OperatorKey}", $"GATEWAY_SETTINGS={path}", "Callers:backend:Tier=free");

        var answer = await AskAsync(gateway, OperatorKey);

        answer.Header("Content-Type").ShouldBe("application/json");
        answer.Header("Cache-Control").ShouldBe("no-store");
        Encoding.UTF8.GetString(answer.Body).ShouldBe("""
            {"unlisted":"Deny","waitSeconds":60,"models":[
            {"id":"a/best","output":"Image","requires":"PRO","substitute":"b/plain","fallback":"b/plain","waitSeconds":30},
            {"id":"b/plain","output":"Image","waitSeconds":60},
            {"id":"c/words","output":"Json","waitSeconds":60}]}
            """.ReplaceLineEndings(""));
        File.Delete(path);
    }

    [Fact]
    public async Task Nobody_else_does()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, $"OPERATOR_KEY={OperatorKey}");
        await using var without = await TestGateway.StartAsync(huggingFace);

        (await AskAsync(gateway, TestGateway.BackendKey)).ShouldBe(401, "unauthenticated");
        (await AskAsync(without, OperatorKey)).ShouldBe(404, "unknown-route");
    }

    private static async Task<Answer> AskAsync(TestGateway gateway, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/ops/models");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return await gateway.SendAsync(request);
    }
}
