using System.Text;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Telemetry.Explanations;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>Stories tell why, never what was asked for or by which secret; and as a page they are harmless.</summary>
public class ExplainedPrivacyTests
{
    private const string Prompt = "canary of the prompt 7f3a, wading through reeds at dawn";
    private const string Word = "reeds at dawn";
    private const string UserCanary = "canary-user-05ee";
    private const string StrangersKey = "canary-key-of-a-stranger-91bc";

    private static readonly string[] Secrets =
        [Prompt, Word, "canary of", UserCanary, StrangersKey, TestGateway.BackendKey, TestGateway.UpstreamToken, Explained.OperatorKey, GatewayFixture.JwtSecret];

    [Fact]
    public async Task Nothing_of_prompts_keys_users_or_tokens_is_told_as_JSON_as_a_page_or_to_Redis_whatever_happens()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await Replica.StartAsync(
            huggingFace, redis.Port, isPatient: true, Explained.WithOperator, $"JWT_SECRET={GatewayFixture.JwtSecret}", "Generation:WaitLimit=00:00:01", "Generation:FailureMemory=00:00:00");
        List<string> ids = [];
        foreach (var kind in Misbehaviour.Kinds.Where(kind => !Regex.IsMatch(kind.Name, "stall|silen|loading|overload|busy|delay|times", RegexOptions.IgnoreCase)))
        {
            huggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind.Example));
            await AskAsync($$$"""{"inputs":"{{{Prompt}}}","parameters":{"negative_prompt":"{{{Prompt}}}","seed":{{{ids.Count}}}}}""", TestGateway.BackendKey);
        }

        huggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse("unexpected-keyword"));
        await AskAsync($$$"""{"inputs":"x","parameters":{"{{{Prompt}}}":1}}""", TestGateway.BackendKey);
        await AskAsync($"{{\"inputs\":\"{Prompt}\",}}", TestGateway.BackendKey);
        await AskAsync($$"""{"inputs":"{{Prompt}}"}""", StrangersKey);
        await AskAsync($$"""{"inputs":"{{Prompt}}"}""", TestGateway.UpstreamToken);
        await AskAsync($$"""{"inputs":"{{Prompt}}"}""", Authentication.AuthenticationTests.Token($$"""{"sub":"{{UserCanary}}"}"""));
        ids.Count.ShouldBeGreaterThan(25);

        await Eventually.BeAsync(async () => int.Parse((await redis.TellAsync("DBSIZE"))[1..]) >= ids.Count, "all lie in Redis");
        var written = "";
        foreach (var id in ids)
        {
            written += Explained.TextOf(await gateway.ExplainAsync(id)) + Explained.TextOf(await gateway.ExplainAsync(id, accept: "text/html"));
        }

        var there = gateway.Services.GetRequiredService<SharedStories>();
        foreach (var id in ids)
        {
            var story = (await there.FindAsync(id, reader: null)).Single();
            Encoding.UTF8.GetByteCount(StoryJson.Serialize(story)).ShouldBeLessThanOrEqualTo(SharedStories.MostBytes);
            written += StoryJson.Serialize(story);
        }

        written.Length.ShouldBeGreaterThan(100_000);
        foreach (var secret in Secrets)
        {
            written.Contains(secret, StringComparison.OrdinalIgnoreCase).ShouldBeFalse(secret);
        }

        (await redis.TellAsync("EVAL", KeysScript, "0")).ShouldBe(":0");

        async Task AskAsync(string body, string key)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}?{UserCanary}=1") { Content = TestGateway.Json(body) };
            request.Headers.Add("Authorization", $"Bearer {key}");
            request.Headers.Add("X-Lumiku-User", UserCanary);
            ids.Add($"request-{ids.Count}");
            request.Headers.Add("X-Request-Id", ids[^1]);
            try
            {
                await gateway.SendAsync(request);
            }
            catch (HttpRequestException)
            {
            }

            await gateway.StoryAsync(ids[^1]);
        }
    }

    /// <summary>How many names of keys have a canary or a request's id in them.</summary>
    private const string KeysScript = "local n = 0 for _, key in ipairs(redis.call('KEYS', 'lumiku:story:*')) do if string.find(key, 'canary') or string.find(key, 'request') then n = n + 1 end end return n";

    [Fact]
    public async Task A_path_of_markup_is_shown_as_text_on_a_page_without_scripts_that_allows_none()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, Explained.WithOperator);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/models/%3Cscript%3Ealert(1)%3C/script%3E%22%27%0d%0aevil");
        request.Headers.Add("X-Request-Id", "hostile");
        await gateway.SendAsync(request);
        await gateway.StoryAsync("hostile");

        var page = await gateway.ExplainAsync("hostile", accept: "text/html,application/xhtml+xml,*/*;q=0.8");

        var html = Explained.TextOf(page);
        html.ShouldContain("&lt;script&gt;alert(1)&lt;");
        html.ShouldNotContain("<script", Case.Insensitive);
        Regex.IsMatch(html, @"<[^>]+\son\w+=|<[^>]+\sstyle=|<(img|iframe|link|object|form|a)\b|https?:", RegexOptions.IgnoreCase).ShouldBeFalse();
        page.Header("Content-Type").ShouldBe("text/html; charset=utf-8");
        var style = Regex.Match(html, "<style>(.*?)</style>", RegexOptions.Singleline).Groups[1].Value;
        var digest = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(style)));
        page.Header("Content-Security-Policy").ShouldStartWith($"default-src 'none'; style-src 'sha256-{digest}';");
        (page.Header("Cache-Control"), page.Header("X-Content-Type-Options"), page.Header("Referrer-Policy")).ShouldBe(("no-store", "nosniff", "no-referrer"));
    }

    [Theory]
    [InlineData("%3Cscript%3Ealert(1)%3C%2Fscript%3E")]
    [InlineData("%22onload=x")]
    [InlineData("never")]
    public async Task An_id_that_is_not_known_is_a_page_that_does_not_repeat_it(string id)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, Explained.WithOperator);

        var page = await gateway.ExplainAsync(id, accept: "text/html");

        ((int)page.Status, Explained.TextOf(page).Contains(Uri.UnescapeDataString(id), StringComparison.Ordinal)).ShouldBe((404, false));
        Explained.TextOf(page).ShouldContain("older than 24 hours");
    }

    [Fact]
    public async Task The_page_says_in_words_what_happened_and_shows_attempts_limits_and_the_rule()
    {
        await using var bench = await LimitBench.StartAsync("UnitsPerDay=3");
        var answer = await bench.AskAsync(model: TestGateway.Dev);
        var story = await bench.Gateway.StoryOfAsync(answer, TestGateway.BackendKey);

        var html = System.Net.WebUtility.HtmlDecode(Explained.TextOf(await bench.Gateway.ExplainAsync(answer.Header("X-Request-Id"), TestGateway.BackendKey, "text/html")));

        foreach (var text in new[] { story.Say("summary")!, story.Say("advice")!, "substitution: the tier lacks PRO", "2 of 3 left; anew in 12 h", $"{TestGateway.Schnell} at huggingface (primary) · 200" })
        {
            html.ShouldContain(text);
        }

        Explained.TextOf(await bench.Gateway.ExplainAsync(answer.Header("X-Request-Id"), TestGateway.BackendKey, "application/json, text/html")).ShouldStartWith("{");
    }
}
