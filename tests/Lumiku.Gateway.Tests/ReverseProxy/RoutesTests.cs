using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ReverseProxy;

/// <summary>Operators write YARP's own routes; whatever they write, our steps cannot be walked around.</summary>
public class RoutesTests
{
    private const string Body = """{"inputs":"a heron"}""";

    [Fact]
    public async Task Path_transforms_of_a_route_see_the_served_model_not_the_requested_one()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace, "ReverseProxy:Routes:models:Match:Path=/models/{org}/{name}", "ReverseProxy:Routes:models:Transforms:2:PathPattern=/models/{org}/{name}");

        (await gateway.GenerateAsync(TestGateway.Dev, Body, "free")).ShouldBeAnImage();

        huggingFace.Received.Single().Path.ShouldBe($"/hf-inference/models/{TestGateway.Schnell}");

        // Without a substitution they see the catalog's spelling, not the caller's.
        (await gateway.GenerateAsync(TestGateway.Dev.ToUpperInvariant(), Body, "pro")).ShouldBeAnImage();
        huggingFace.Received[^1].Path.ShouldBe($"/hf-inference/models/{TestGateway.Dev}");
    }

    [Fact]
    public async Task A_route_made_for_dev_does_not_lead_a_free_user_to_dev()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace,
            "ReverseProxy:Routes:dev:ClusterId=huggingface", "ReverseProxy:Routes:dev:Order=-1", $"ReverseProxy:Routes:dev:Match:Path=/models/{TestGateway.Dev}",
            "ReverseProxy:Routes:dev:Transforms:0:UpstreamCredential=huggingface", "ReverseProxy:Routes:dev:Transforms:1:ImageAccept=image/png",
            "ReverseProxy:Routes:dev:Transforms:2:PathSet=/models/stabilityai/stable-diffusion-xl-base-1.0");

        (await gateway.GenerateAsync(TestGateway.Dev, Body, "free")).ShouldBeAnImage();
        huggingFace.Received[^1].Model.ShouldBe(TestGateway.Schnell);

        (await gateway.GenerateAsync("Black-Forest-Labs/flux.1-DEV", Body, "pro")).ShouldBeAnImage();
        huggingFace.Received[^1].Model.ShouldBe("stabilityai/stable-diffusion-xl-base-1.0"); // The route's own destination.
    }

    [Fact]
    public async Task A_substitute_takes_its_own_route()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace,
            "ReverseProxy:Routes:schnell:ClusterId=huggingface", "ReverseProxy:Routes:schnell:Order=-1", $"ReverseProxy:Routes:schnell:Match:Path=/models/{TestGateway.Schnell}",
            "ReverseProxy:Routes:schnell:AuthorizationPolicy=Closed", // Callers cannot use it; the substitution can.
            "ReverseProxy:Routes:schnell:Transforms:0:UpstreamCredential=huggingface", "ReverseProxy:Routes:schnell:Transforms:1:ImageAccept=image/webp");

        (await gateway.GenerateAsync(TestGateway.Dev, Body, "free")).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        (await gateway.GenerateAsync(TestGateway.Schnell, Body, "free")).ShouldBe(404, "unknown-route");

        huggingFace.Received.Single().Model.ShouldBe(TestGateway.Schnell);
    }

    [Fact]
    public async Task A_substitution_works_on_a_route_for_one_host()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "ReverseProxy:Routes:models:Match:Hosts:0=127.0.0.1");

        (await gateway.GenerateAsync(TestGateway.Dev, Body, "free")).ShouldBeAnImage();
        huggingFace.Received.Single().Model.ShouldBe(TestGateway.Schnell);
    }

    [Fact]
    public async Task A_route_that_cannot_carry_the_served_model_is_502_and_never_sends_the_requested_one()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "ReverseProxy:Routes:models:Match:Path=/models/black-forest-labs/FLUX.1-dev/{**rest}");

        (await gateway.GenerateAsync(TestGateway.Dev, Body, "free")).ShouldBe(502, "upstream-failed");
        (await gateway.GenerateAsync(TestGateway.Dev, Body, "pro")).ShouldBeAnImage();

        huggingFace.Received.Single().Model.ShouldBe(TestGateway.Dev);
    }

    [Fact]
    public async Task A_route_outside_models_is_not_reachable()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace, "ReverseProxy:Routes:everything:ClusterId=huggingface", "ReverseProxy:Routes:everything:Match:Path=/{**any}", "ReverseProxy:Routes:everything:Order=100");

        using var request = new HttpRequestMessage(HttpMethod.Post, "/anything/else") { Content = TestGateway.Json(Body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");

        (await gateway.SendAsync(request)).ShouldBe(404, "unknown-route");
        huggingFace.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_routes_own_transforms_reach_upstream_but_cannot_bring_the_callers_headers_back()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace,
            "ReverseProxy:Routes:models:Transforms:2:RequestHeader=X-HF-Bill-To", "ReverseProxy:Routes:models:Transforms:2:Set=our-organisation",
            "ReverseProxy:Routes:models:Transforms:3:RequestHeadersCopy=true",
            "ReverseProxy:Routes:models:Transforms:4:ResponseHeadersCopy=true",
            "ReverseProxy:Routes:models:Transforms:5:X-Forwarded=Set");

        var answer = await gateway.GenerateAsync(TestGateway.Dev, Body, "pro", request => request.Headers.Add("Cookie", "session=secret"));

        answer.ShouldBeAnImage();
        answer.Headers.Keys.ShouldNotContain("Set-Cookie", StringComparer.OrdinalIgnoreCase);
        var seen = huggingFace.Received.Single();
        seen.Header("X-HF-Bill-To").ShouldBe("our-organisation");
        seen.Header("Cookie").ShouldBeNull();
        seen.Header("X-Lumiku-Tier").ShouldBeNull();
        seen.Header("X-Forwarded-For").ShouldBeNull();
    }

    [Fact]
    public async Task A_route_closed_by_its_AuthorizationPolicy_does_not_exist_for_callers()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "ReverseProxy:Routes:models:AuthorizationPolicy=Closed");

        (await gateway.GenerateAsync(TestGateway.Dev, Body)).ShouldBe(404, "unknown-route");
        huggingFace.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_route_with_the_default_policy_wants_a_key_and_serves_with_one()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "ReverseProxy:Routes:models:AuthorizationPolicy=Default");

        (await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.Authorization = null)).ShouldBe(401, "unauthenticated");
        (await gateway.GenerateAsync(TestGateway.Dev, Body)).ShouldBeAnImage();
    }

    [Fact]
    public async Task An_anonymous_route_still_wants_a_caller()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "ReverseProxy:Routes:models:AuthorizationPolicy=Anonymous");

        (await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.Authorization = null)).ShouldBe(401, "unauthenticated");
    }

    [Fact]
    public async Task A_cluster_without_a_healthy_destination_is_502_not_503()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace,
            "ReverseProxy:Clusters:huggingface:HealthCheck:AvailableDestinationsPolicy=HealthyAndUnknown",
            "ReverseProxy:Clusters:huggingface:HealthCheck:Passive:Enabled=true",
            "ReverseProxy:Clusters:huggingface:HealthCheck:Passive:Policy=TransportFailureRate",
            "ReverseProxy:Clusters:huggingface:Metadata:TransportFailureRateHealthPolicy.RateLimit=0.1");
        huggingFace.Behave("*", Misbehaviour.ResetBeforeHeaders);

        for (var i = 0; i < 25; i++)
        {
            (await gateway.GenerateAsync(TestGateway.Dev, Body)).ShouldBe(502, "upstream-failed");
        }

        huggingFace.Received.Count.ShouldBeLessThan(25); // The last were not sent: nobody was healthy.
    }

    [Fact]
    public async Task A_tier_that_may_have_neither_the_model_nor_a_substitute_is_403()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Models:Catalog:stabilityai/stable-diffusion-xl-base-1.0:Requires=PRO");

        var answer = await gateway.GenerateAsync("stabilityai/STABLE-diffusion-xl-base-1.0", Body, "free");

        answer.ShouldBe(403, "model-not-in-tier");
        answer.Error.ShouldContain("PRO");
        answer.Error.ShouldContain("'free'");
        huggingFace.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Unlisted_models_can_be_denied()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Models:Unlisted=Deny");

        (await gateway.GenerateAsync("stabilityai/stable-diffusion-2-1", Body)).ShouldBe(404, "model-not-offered");
        (await gateway.GenerateAsync(TestGateway.Dev, Body)).ShouldBeAnImage();
        huggingFace.Received.Count.ShouldBe(1);
    }
}
