using System.Text;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.Configuration;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>Which model is the fallback: one that the caller's tier may have, on a chain that ends.</summary>
public class FallbackChoiceTests
{
    [Fact]
    public async Task A_fallback_that_the_tier_lacks_is_none()
    {
        await using var bench = await TroubleBench.StartAsync($"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Xl}", $"Models:Catalog:{TestGateway.Xl}:Requires=PRO");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);

        (await bench.GenerateAsync(TestGateway.Sd3, "free")).ShouldBe(404, "model-not-offered");
        bench.CallsOf(TestGateway.Xl).ShouldBe(0);
        var pro = await bench.GenerateAsync(TestGateway.Sd3, "pro");
        pro.ShouldBeAnImage();
        pro.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Xl);
    }

    [Fact]
    public async Task A_fallback_that_the_tier_lacks_is_served_by_its_substitute()
    {
        await using var bench = await TroubleBench.StartAsync($"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Dev}");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);

        var free = await bench.GenerateAsync(TestGateway.Sd3, "free");

        free.ShouldBeAnImage();
        free.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
        free.Header("X-Lumiku-Substitution").ShouldBe("upstream");
        bench.CallsOf(TestGateway.Dev).ShouldBe(0);
    }

    [Fact]
    public async Task A_fallback_may_have_one_of_its_own()
    {
        await using var bench = await TroubleBench.StartAsync($"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Dev}");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.CreditsDepleted);

        var answer = await bench.GenerateAsync(TestGateway.Sd3);

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
        answer.Header("X-Cache").ShouldBe("MISS");
        answer.Header("X-Lumiku-Units").ShouldBe("1");
        bench.HuggingFace.Received.Select(request => request.Model).ShouldBe([TestGateway.Sd3, TestGateway.Dev, TestGateway.Schnell]);
    }

    [Fact]
    public async Task A_fallback_costs_what_its_own_model_costs_but_never_more_than_was_reserved()
    {
        await using var bench = await TroubleBench.StartAsync(
            $"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Schnell}", $"Models:Catalog:{TestGateway.Sd3}:Units=5",
            $"Models:Catalog:{TestGateway.Schnell}:Units=3", $"Models:Catalog:{TestGateway.Dev}:Units=2");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);

        (await bench.GenerateAsync(TestGateway.Sd3)).Header("X-Lumiku-Units").ShouldBe("3");
        (await bench.GenerateAsync(TestGateway.Dev)).Header("X-Lumiku-Units").ShouldBe("2");
    }

    [Fact]
    public async Task A_chain_that_ends_for_each_kind_by_itself_but_not_for_a_tier_is_refused()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();

        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(
            huggingFace, "Models:Catalog:a/one:Fallback=a/pro", "Models:Catalog:a/pro:Requires=PRO", "Models:Catalog:a/pro:Substitute=a/two", "Models:Catalog:a/two:Fallback=a/one"));

        refusal.Message.ShouldContain("'Models:Catalog:a/one:Fallback' leads the tier '");
        refusal.Message.ShouldContain("' back to 'a/one' by way of 'a/two': a chain of Fallback must end, also with the Substitute of what a tier lacks.");
        refusal.Message.ShouldContain("' back to 'a/two' by way of 'a/one'");
        refusal.Message.ShouldNotContain("a/pro:Fallback");
    }

    /// <summary>Whatever the check of the settings lets through: planning without end would take the process along.</summary>
    [Fact]
    public void A_plan_never_has_a_model_twice()
    {
        const string json = """
            { "Tiers": { "free": {}, "pro": { "Entitlements": [ "PRO" ] } },
              "Models": { "Catalog": { "a/one": { "Fallback": "a/pro" }, "a/pro": { "Requires": "PRO", "Substitute": "a/two" }, "a/two": { "Fallback": "a/one" } } } }
            """;
        var settings = GatewaySettings.Read(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build(), out var mistakes);
        mistakes.ShouldContain(mistake => mistake.StartsWith("'Models:Catalog:a/one:Fallback' leads the tier 'free' back to 'a/one'", StringComparison.Ordinal));
        var identity = new Identity("test", User: null, settings.Tiers.Find("free")!, UsageLimits.None);
        var one = settings.Models.Find("a/one")!;
        var request = new UpstreamRequest(new ModelChoice(one, one), ModelPath.For(one.Id, null), "application/json", Encoding.UTF8.GetBytes(FlightBench.Body));
        var context = new DefaultHttpContext();
        context.SetEndpoint(new RouteEndpoint(_ => Task.CompletedTask, RoutePatternFactory.Parse("/"), 0, null, null));
        context.Features.Set(settings);
        context.Features.Set(identity);
        context.Features.Set(request);
        context.Features.Set(new ModelPath(one.Id, null));
        context.Features.Set(CheckedRequest.Of(FlightBench.Body));

        var plan = GenerationPlan.For(context, new CacheTerms(FlightBench.KeyOf(FlightBench.Body, one.Id), identity, "image/png", Reads: true, IsPrivate: false, IsReusable: true));

        plan.Fallback!.Model.Id.ShouldBe("a/two");
        plan.Fallback.Fallback.ShouldBeNull();
    }

    [Fact]
    public async Task A_fallback_whose_substitute_is_the_failed_model_itself_is_none()
    {
        await using var bench = await TroubleBench.StartAsync(
            $"Models:Catalog:{TestGateway.Sd3}:Fallback={TestGateway.Xl}", $"Models:Catalog:{TestGateway.Xl}:Requires=PRO", $"Models:Catalog:{TestGateway.Xl}:Substitute={TestGateway.Sd3}");
        bench.HuggingFace.Behave(TestGateway.Sd3, Misbehaviour.Deprecated);

        (await bench.GenerateAsync(TestGateway.Sd3, "free")).ShouldBe(404, "model-not-offered");
        (await bench.GenerateAsync(TestGateway.Sd3, "pro")).Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Xl);
    }

    [Theory]
    [InlineData("", "Models:Catalog:a/b:Fallback=c/d", "'Models:Catalog:a/b:Fallback' is 'c/d', which Models:Catalog does not have.")]
    [InlineData("Models:Catalog:a/b:Fallback=c/d", "Models:Catalog:c/d:Fallback=a/b", "a chain of Fallback must end")]
    [InlineData("", "Models:Catalog:a/b:Fallback=a/b", "'Models:Catalog:a/b:Fallback' leads back to 'a/b': a chain of Fallback must end.")]
    [InlineData("Models:Catalog:a/b:Fallback=c/d", "Models:Catalog:c/d:Output=Json", "'Models:Catalog:a/b:Fallback' is 'c/d', whose Output is Json and not Image.")]
    [InlineData("", "Models:Catalog:a/b:FallbackOn:0=Gone", "'Models:Catalog:a/b:FallbackOn' says when, but no Fallback says which model.")]
    [InlineData("Models:Catalog:a/b:Fallback=black-forest-labs/FLUX.1-dev", "Models:Catalog:a/b:FallbackOn:0=Tired", "Models:Catalog:a/b:FallbackOn:0")]
    [InlineData("", "Generation:FallbackAfter=-00:00:01", "'Generation:FallbackAfter'")]
    [InlineData("", "Generation:FallbackAfter=02:00:00", "'Generation:FallbackAfter'")]
    [InlineData("", "Generation:Breaker:FailureRatio=0", "'Generation:Breaker:FailureRatio' must be between 0.01 and 1 and is 0.")]
    [InlineData("", "Generation:Breaker:FailureRatio=1.5", "'Generation:Breaker:FailureRatio' must be between 0.01 and 1 and is 1.5.")]
    [InlineData("", "Generation:Breaker:MinimumGenerations=1", "'Generation:Breaker:MinimumGenerations' must be between 2 and 10000 and is 1.")]
    [InlineData("", "Generation:Breaker:Window=00:00:00", "'Generation:Breaker:Window' must be between 00:00:01 and 01:00:00 and is 00:00:00.")]
    [InlineData("", "Generation:Breaker:OpenFor=02:00:00", "'Generation:Breaker:OpenFor' must be between 00:00:01 and 01:00:00 and is 02:00:00.")]
    [InlineData("", "Generation:Breaker:HalfOpen=true", "HalfOpen")]
    public async Task A_wrong_setting_of_fallbacks_is_refused_with_its_key(string also, string wrong, string message)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        string[] settings = also.Length == 0 ? [wrong] : [also, wrong];

        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(huggingFace, settings));

        refusal.Message.ShouldContain(message);
    }
}
