using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;
using static Lumiku.Gateway.Tests.Support.TestGateway;

namespace Lumiku.Gateway.Tests.Generation.Dialects;

/// <summary>Callers ask as they always did; who makes the image, and in which dialect, is a setting.</summary>
public class ServedTests
{
    private const string Body = """{"inputs":"a heron","parameters":{"width":1344,"height":768,"num_inference_steps":3,"seed":7,"max_sequence_length":200}}""";

    [Theory]
    [InlineData("nscale", Schnell, Schnell)]
    [InlineData("together", Schnell, Schnell)]
    [InlineData("fal-ai", Schnell, "fal-ai/flux/schnell")]
    [InlineData("fal-ai", Schnell, "fal-ai/flux/schnell", "Upstreams:fal-ai:Queue=false")]
    [InlineData("replicate", Schnell, "black-forest-labs/flux-schnell")]
    [InlineData("wavespeed", Dev, "wavespeed-ai/flux-dev")]
    [InlineData("hf-inference", Schnell, null)]
    public async Task Every_dialect_serves_the_same_request(string upstream, string model, string? id, params string[] settings)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, model, [id is null ? upstream : $"{upstream}={id}"], settings);

        var answer = await gateway.GenerateAsync(model, Body, "pro", request => request.Headers.Add("X-HF-Bill-To", "somebody-else"));

        answer.ShouldBeAnImage();
        PngSize(answer.Body).ShouldBe((1344, 768));
        answer.Header("X-Lumiku-Upstream").ShouldBe(upstream);
        (answer.Header("X-Lumiku-Model-Served"), answer.Header("X-Lumiku-Substitution")).ShouldBe((model, ""));
        var order = huggingFace.Received[0];
        (order.Provider, order.ProviderModel).ShouldBe((upstream, id ?? model));
        foreach (var received in huggingFace.Received)
        {
            received.Header("X-HF-Bill-To").ShouldBeNull();
            received.Header("X-Lumiku-Tier").ShouldBeNull();
            received.Header("Authorization").ShouldBe(received.Path.StartsWith("/files/", StringComparison.Ordinal) ? null : $"Bearer {UpstreamToken}");
        }

        (await gateway.GenerateAsync(model, Body, "pro")).Header("X-Cache").ShouldBe("HIT");
        (await gateway.GenerateAsync(model, Body, "pro")).Header("X-Lumiku-Upstream").ShouldBe(upstream);
    }

    [Fact]
    public async Task FLUX_dev_that_is_gone_at_Hugging_Face_is_served_by_the_next_in_one_request()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Dev, ["hf-inference", "fal-ai=fal-ai/flux/dev"]);
        huggingFace.Behave($"hf-inference:{Dev}", Misbehaviour.Deprecated);

        var answer = await gateway.GenerateAsync(Dev, """{"inputs":"a heron","parameters":{"width":1024,"height":768,"num_inference_steps":28,"guidance_scale":3.5,"lora":"x","max_sequence_length":512}}""", "pro");

        answer.ShouldBeAnImage();
        (answer.Header("X-Lumiku-Upstream"), answer.Header("X-Lumiku-Model-Served"), answer.Header("X-Lumiku-Units")).ShouldBe(("fal-ai", Dev, "1"));
        var order = huggingFace.Received.First(request => request.Provider == "fal-ai");
        order.Json.ToString().ShouldBe("""{"prompt":"a heron","image_size":{"width":1024,"height":768},"guidance_scale":3.5,"num_inference_steps":28,"output_format":"png"}""");

        var story = await gateway.StoryOfAsync(answer);
        var attempts = story.At("generation", "attempts");
        attempts.Each("upstream").ShouldBe(["hf-inference", "fal-ai"]);
        attempts.Each("decision").ShouldBe(["next: fal-ai", "an image"]);
        attempts.Each("failure").ShouldBe(["Gone", null]);
        attempts[1].GetProperty("polls").GetInt32().ShouldBeGreaterThan(0);
        attempts[1].Say("fetchedFrom").ShouldBe("127.0.0.1");
        story.Say("summary")!.ShouldContain("hf-inference could not make it (Gone), so fal-ai did");
        var page = await gateway.ExplainAsync(answer.Header("X-Request-Id"), accept: "text/html");
        Explained.TextOf(page).ShouldContain("image fetched from 127.0.0.1");
    }

    [Theory]
    [InlineData("deprecated", true)]
    [InlineData("pay-as-you-go", true)]
    [InlineData("invalid-token", true)]
    [InlineData("rate-limited", true)]
    [InlineData("empty-500", true)]
    [InlineData("unexpected-keyword", true)]
    [InlineData("not-found", true)]
    // The model may have run, and would be paid for twice.
    [InlineData("reset-before-headers", false)]
    [InlineData("gateway-timeout", false)]
    [InlineData("html-as-png", false)]
    public async Task The_next_is_asked_where_nothing_was_made_that_has_to_be_paid_for(string kind, bool isNextAsked)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["nscale", "together"]);
        huggingFace.Behave($"nscale:{Schnell}", Misbehaviour.Parse(kind));

        var answer = await gateway.GenerateAsync(Schnell, Body);

        huggingFace.Received.Count(request => request.Provider == "together").ShouldBe(isNextAsked ? 1 : 0);
        ((int)answer.Status == 200).ShouldBe(isNextAsked);
    }

    [Fact]
    public async Task NextOn_says_after_which_trouble_the_next_is_asked()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["nscale", "together"], $"Models:Catalog:{Schnell}:NextOn:0=Timeout");
        huggingFace.Behave($"nscale:{Schnell}", Misbehaviour.GatewayTimeout);

        (await gateway.GenerateAsync(Schnell, Body)).Header("X-Lumiku-Upstream").ShouldBe("together");

        huggingFace.Behave($"nscale:{Schnell}", Misbehaviour.Deprecated);
        (await gateway.GenerateAsync(Schnell, """{"inputs":"another"}""")).ShouldBe(404, "model-not-offered");
    }

    [Fact]
    public async Task An_upstream_that_cannot_be_reached_is_passed_over()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["nscale", "together"], "ReverseProxy:Clusters:nscale:Destinations:primary:Address=http://127.0.0.1:9/");

        (await gateway.GenerateAsync(Schnell, Body)).Header("X-Lumiku-Upstream").ShouldBe("together");
    }

    [Fact]
    public async Task A_parameter_that_one_cannot_take_goes_to_the_next_and_is_refused_where_none_can()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["replicate=black-forest-labs/flux-schnell", "nscale"]);
        const string odd = """{"inputs":"a heron","parameters":{"width":1008,"height":640}}""";

        var answer = await gateway.GenerateAsync(Schnell, odd);

        PngSize(answer.Body).ShouldBe((1008, 640));
        (answer.Header("X-Lumiku-Upstream"), huggingFace.Received.Count).ShouldBe(("nscale", 1));

        await using var alone = await ServedGateway.StartAsync(huggingFace, Schnell, ["replicate=black-forest-labs/flux-schnell"]);
        var refused = await alone.GenerateAsync(Schnell, odd);
        refused.ShouldBe(422, "parameter-refused");
        refused.Error.ShouldContain("1008x640");
        huggingFace.Received.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("model", "\"some/dearer-model\"")]
    [InlineData("response_format", "\"url\"")]
    [InlineData("stream", "true")]
    public async Task What_only_the_gateway_says_to_an_upstream_is_422_from_a_caller_and_costs_nothing(string name, string value)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["hf-inference", "nscale"]);
        huggingFace.Behave($"hf-inference:{Schnell}", Misbehaviour.UnexpectedKeyword(name));
        var body = $$$"""{"inputs":"a heron","parameters":{"{{{name}}}":{{{value}}}}}""";

        (await gateway.GenerateAsync(Schnell, body, "free")).ShouldBe(422, "parameter-refused");
        huggingFace.Received.ShouldAllBe(request => request.Provider == "hf-inference");

        await using var alone = await ServedGateway.StartAsync(huggingFace, Schnell, ["nscale"]);
        var refused = await alone.GenerateAsync(Schnell, body, "free");
        refused.ShouldBe(422, "parameter-refused");
        refused.Error.ShouldContain($"'{name}' is not taken for this model by nscale, which serves it: it is the gateway's own to say there.");
        huggingFace.Received.ShouldAllBe(request => request.Provider == "hf-inference");

        // One who does not take the name for its own is still asked.
        await using var other = await ServedGateway.StartAsync(huggingFace, Schnell, ["nscale", "hf-inference"]);
        huggingFace.Behave($"hf-inference:{Schnell}", Misbehaviour.Well);
        (await other.GenerateAsync(Schnell, body, "free")).ShouldBe(422, "parameter-refused");
        huggingFace.Received.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("nscale", Schnell)]
    [InlineData("fal-ai", "fal-ai/flux/schnell")]
    public async Task A_default_is_not_added_to_what_inputs_says(string upstream, string id)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, [$"{upstream}={id}"]);

        var answer = await gateway.GenerateAsync(Schnell, """{"inputs":{"prompt":"a heron","num_inference_steps":2}}""", "free");

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Upstream").ShouldBe(upstream);
    }

    [Fact]
    public async Task Where_all_fail_the_fallback_follows_and_what_was_really_answered_counts()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Dev, ["fal-ai=fal-ai/flux/dev", "replicate=black-forest-labs/flux-dev"], "Generation:FailureMemory=00:00:00");
        huggingFace.Behave($"fal-ai:{Dev}", Misbehaviour.PayAsYouGo);
        const string odd = """{"inputs":"a heron","parameters":{"width":1008,"height":640}}""";

        var answer = await gateway.GenerateAsync(Dev, odd, "pro");

        answer.ShouldBeAnImage();
        (answer.Header("X-Lumiku-Model-Served"), answer.Header("X-Lumiku-Substitution"), answer.Header("X-Lumiku-Upstream")).ShouldBe((Schnell, "upstream", "huggingface"));
        // Not the one that was never asked.
        (await gateway.StoryOfAsync(answer)).At("generation", "attempts").Each("failure").ShouldBe(["Account", "ParameterRefused", null]);
    }

    [Fact]
    public async Task An_upstream_that_keeps_failing_is_left_alone_for_a_while()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["hf-inference", "nscale"]);
        huggingFace.Behave($"hf-inference:{Schnell}", Misbehaviour.Deprecated);
        for (var i = 0; i < 6; i++)
        {
            (await gateway.GenerateAsync(Schnell, $$"""{"inputs":"heron {{i}}"}""")).ShouldBeAnImage();
        }

        huggingFace.Received.Count(request => request.Provider == "hf-inference").ShouldBe(4);
        var answer = await gateway.GenerateAsync(Schnell, """{"inputs":"the last"}""");
        var attempts = (await gateway.StoryOfAsync(answer)).At("generation", "attempts");
        attempts.Each("upstream").ShouldBe(["hf-inference", "nscale"]);
        attempts.Each("decision").ShouldBe(["not asked: its breaker is open", "an image"]);
    }

    [Fact]
    public async Task What_is_ordered_with_one_token_is_asked_after_with_the_same()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        var cluster = "ReverseProxy:Clusters:wavespeed:Destinations:second";
        await using var gateway = await ServedGateway.StartAsync(
            huggingFace, Dev, ["wavespeed=wavespeed-ai/flux-dev"],
            "Credentials:second=hf_second", $"{cluster}:Address={new Uri(huggingFace.Address, "/wavespeed/")}", $"{cluster}:Metadata:Credential=second", "ReverseProxy:Clusters:wavespeed:LoadBalancingPolicy=RoundRobin");

        for (var i = 0; i < 4; i++)
        {
            (await gateway.GenerateAsync(Dev, $$"""{"inputs":"heron {{i}} [[queued-prediction(2,2)]]"}""")).ShouldBeAnImage();
        }

        var asked = huggingFace.Received.Where(request => request.Header("Authorization") is not null).ToList();
        var orders = asked.Where(request => request.Method == "POST").ToList();
        orders.Select(order => order.Header("Authorization")).Distinct().Count().ShouldBe(2);
        // One after another, so each order's polls follow it.
        string? token = null;
        foreach (var request in asked)
        {
            token = request.Method == "POST" ? request.Header("Authorization") : token;
            request.Header("Authorization").ShouldBe(token);
        }
    }

    [Fact]
    public async Task Nobody_outside_gets_to_an_upstreams_route()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["nscale"]);
        foreach (var path in new[] { "/upstreams/nscale/v1/images/generations", "/upstreams/fal-ai/fal-ai/flux/dev", "/UPSTREAMS/replicate/v1/predictions", "/models/../upstreams/nscale/v1/images/generations", "//upstreams/nscale/x" })
        {
            foreach (var key in new[] { BackendKey, Explained.OperatorKey, null })
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{gateway.Client.BaseAddress!.ToString().TrimEnd('/')}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })) { Content = Json("{}") };
                request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
                var answer = await gateway.SendAsync(request);
                ((int)answer.Status).ShouldBe(404, path);
            }
        }

        huggingFace.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Whom_Hugging_Face_bills_is_the_operators_choice()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["nscale"], "Upstreams:nscale:BillTo=our-organisation");

        (await gateway.GenerateAsync(Schnell, Body, change: request => request.Headers.Add("X-HF-Bill-To", "somebody-else"))).ShouldBeAnImage();

        huggingFace.Received.Single().Header("X-HF-Bill-To").ShouldBe("our-organisation");
    }

    [Fact]
    public async Task Each_upstream_has_a_time_of_its_own()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(
            huggingFace, Dev, ["wavespeed=wavespeed-ai/flux-dev", "fal-ai=fal-ai/flux/dev"], "Upstreams:wavespeed:Timeout=00:00:01", $"Models:Catalog:{Dev}:NextOn:0=Timeout");

        var answer = await gateway.GenerateAsync(Dev, """{"inputs":"a heron"}""");
        answer.Header("X-Lumiku-Upstream").ShouldBe("wavespeed");
        (await gateway.StoryOfAsync(answer)).Say("advice").ShouldBe("Nothing.");

        huggingFace.Behave($"wavespeed:{Dev}", Misbehaviour.EndlessPrediction);
        (await gateway.GenerateAsync(Dev, """{"inputs":"another"}""")).Header("X-Lumiku-Upstream").ShouldBe("fal-ai");

        // Between two polls, or in the midst of one.
        huggingFace.Behave($"wavespeed:{Dev}", Misbehaviour.AtPolls(1, Misbehaviour.StallBeforeHeaders));
        (await gateway.GenerateAsync(Dev, """{"inputs":"a third"}""")).Header("X-Lumiku-Upstream").ShouldBe("fal-ai");
    }

    [Fact]
    public async Task Every_upstreams_price_counts()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(
            huggingFace, Schnell, ["hf-inference", "nscale"], $"Models:Catalog:{Schnell}:Served:0:Price=0.001", $"Models:Catalog:{Schnell}:Served:1:Price=0.25");
        huggingFace.Behave($"hf-inference:{Schnell}", Misbehaviour.Deprecated);

        var answer = await gateway.GenerateAsync(Schnell, Body);

        (await gateway.StoryOfAsync(answer)).At("cost", "spent").GetDecimal().ShouldBe(0.25m);
    }

    [Fact]
    public async Task The_shipped_catalog_serves_as_the_router_was_known_to_serve()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartShippedAsync(huggingFace);
        foreach (var dropped in new[] { Dev, Schnell, Xl })
        {
            huggingFace.Behave($"hf-inference:{dropped}", Misbehaviour.Deprecated);
        }

        (string Model, string Upstream)[] expected = [(Dev, "fal-ai"), (Schnell, "nscale"), (Xl, "nscale"), (Sd3, "huggingface")];
        foreach (var (model, upstream) in expected)
        {
            var answer = await gateway.GenerateAsync(model, """{"inputs":"a heron","parameters":{"num_inference_steps":30,"guidance_scale":3.5}}""");
            answer.ShouldBeAnImage();
            (answer.Header("X-Lumiku-Model-Served"), answer.Header("X-Lumiku-Upstream")).ShouldBe((model, upstream));
            PngSize(answer.Body).ShouldBe((1024, 1024));
        }
    }

    private static (int Width, int Height) PngSize(byte[] png) =>
        (System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)));
}
