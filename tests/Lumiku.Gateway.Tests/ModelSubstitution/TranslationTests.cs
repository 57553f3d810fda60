using System.Text;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ModelSubstitution;

/// <summary>What goes upstream, to the byte.</summary>
public class TranslationTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string Sdxl = "stabilityai/stable-diffusion-xl-base-1.0";

    [Theory]
    // Members are sorted, white space goes.
    [InlineData("""{ "parameters" : { "seed" : 1, "eta" : 0 }, "inputs" : "a" }""", """{"inputs":"a","parameters":{"eta":0,"seed":1}}""")]
    // Strings are unescaped and escaped again; what they mean stays.
    [InlineData("""{"inp\u0075ts":"\u0061\/\"\\\n\u00e9é 😀 \ud83d\ude00"}""", "{\"inputs\":\"a/\\\"\\\\\\néé \\uD83D\\uDE00 \\uD83D\\uDE00\"}")]
    // Numbers keep their own spelling.
    [InlineData("""{"inputs":"a","parameters":{"seed":12345678901234567890123,"eta":1.0,"guidance_scale":7.50e0,"clip_skip":-0}}""", """{"inputs":"a","parameters":{"clip_skip":-0,"eta":1.0,"guidance_scale":7.50e0,"seed":12345678901234567890123}}""")]
    // Nulls and unknown members stay, at every depth.
    [InlineData("""{"inputs":"a","x":{"b":[null,{"d":1,"c":true}],"a":null},"parameters":{"negative_prompt":null}}""", """{"inputs":"a","parameters":{"negative_prompt":null},"x":{"a":null,"b":[null,{"c":true,"d":1}]}}""")]
    [InlineData("""{"inputs":"a","parameters":null}""", """{"inputs":"a","parameters":null}""")]
    [InlineData("""{"inputs":"a","parameters":{}}""", """{"inputs":"a","parameters":{}}""")]
    [InlineData("""{"inputs":"","model":"stabilityai/other"}""", """{"inputs":"","model":"stabilityai/other"}""")]
    // One image is made, whatever a request says; a size is ruled wherever it is said.
    [InlineData("""{"inputs":"a","parameters":{"num_images_per_prompt":4,"n":4,"seed":1}}""", """{"inputs":"a","parameters":{"seed":1}}""")]
    [InlineData("""{"inputs":"a","parameters":{"target_size":{"width":1023,"height":64.0,"num_images_per_prompt":2}}}""", """{"inputs":"a","parameters":{"target_size":{"height":64.0,"width":1016}}}""")]
    public async Task The_body_goes_upstream_in_its_canonical_form(string sent, string seen) => (await SeenAsync(Sdxl, sent)).ShouldBe(seen);

    [Theory]
    // Default: absent and null alike; the member parameters is made where there is none.
    [InlineData("""{"inputs":"a"}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    [InlineData("""{"inputs":"a","parameters":null}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":null}}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    // But not beside the caller's own, which may be in inputs.
    [InlineData("""{"inputs":{"prompt":"a","num_inference_steps":2}}""", """{"inputs":{"num_inference_steps":2,"prompt":"a"}}""")]
    [InlineData("""{"inputs":{"prompt":"a","num_inference_steps":50},"parameters":{"seed":1}}""", """{"inputs":{"num_inference_steps":4,"prompt":"a"},"parameters":{"seed":1}}""")]
    [InlineData("""{"inputs":{"prompt":"a","num_inference_steps":2},"parameters":null}""", """{"inputs":{"num_inference_steps":2,"prompt":"a"},"parameters":null}""")]
    [InlineData("""{"inputs":{"prompt":"a","num_inference_steps":null}}""", """{"inputs":{"num_inference_steps":null,"prompt":"a"},"parameters":{"num_inference_steps":4}}""")]
    // Maximum: in whatever spelling; at or below it, the caller's own.
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":4}}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":4.0}}""", """{"inputs":"a","parameters":{"num_inference_steps":4.0}}""")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":1}}""", """{"inputs":"a","parameters":{"num_inference_steps":1}}""")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":5}}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":0.5e1}}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":1e999}}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":99999999999999999999999999999999999}}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":4.0000000000000000000000000001}}""", """{"inputs":"a","parameters":{"num_inference_steps":4}}""")]
    // MultipleOf: down, but at least one.
    [InlineData("""{"inputs":"a","parameters":{"width":1023,"height":7,"num_inference_steps":2}}""", """{"inputs":"a","parameters":{"height":16,"num_inference_steps":2,"width":1008}}""")]
    [InlineData("""{"inputs":"a","parameters":{"width":512.5,"height":1024.0,"num_inference_steps":2}}""", """{"inputs":"a","parameters":{"height":1024.0,"num_inference_steps":2,"width":512}}""")]
    // Remove: also where a pipeline takes members of inputs for parameters. Caps hold there too.
    [InlineData("""{"inputs":{"prompt":"a","guidance_scale":3.5,"num_inference_steps":50},"parameters":{"num_inference_steps":2}}""", """{"inputs":{"num_inference_steps":4,"prompt":"a"},"parameters":{"num_inference_steps":2}}""")]
    [InlineData("""{"inputs":"a","parameters":{"guidance\u005fscale":3.5,"num_inference_steps":2}}""", """{"inputs":"a","parameters":{"num_inference_steps":2}}""")]
    [InlineData("""{"inputs":{"prompt":["a"],"num_images_per_prompt":4,"num_inference_steps":2}}""", """{"inputs":{"num_inference_steps":2,"prompt":["a"]}}""")]
    // As many steps as sigmas.
    [InlineData("""{"inputs":"a","parameters":{"sigmas":[1,0.9,0.8,0.7,0.6],"timesteps":[1,2,3,4,5],"num_inference_steps":2}}""", """{"inputs":"a","parameters":{"num_inference_steps":2}}""")]
    // Clients of the 2.x line name the model in the body; it follows the one that is served.
    [InlineData("""{"inputs":"a","model":"black-forest-labs/FLUX.1-dev","parameters":{"num_inference_steps":2}}""", """{"inputs":"a","model":"black-forest-labs/FLUX.1-schnell","parameters":{"num_inference_steps":2}}""")]
    public async Task Schnell_in_place_of_dev_gets_what_schnell_takes(string sent, string seen)
    {
        fixture.HuggingFace.BehaveNext(Misbehaviour.BlackImage); // The bytes are the point, not what the model says to them.
        (await SeenAsync(TestGateway.Dev, sent, "free")).ShouldBe(seen);
    }

    [Theory]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":"50"}}""", "'num_inference_steps' must be a number (at most 4 is sent for this model); it is a string of 2 characters.")]
    [InlineData("""{"inputs":"a","parameters":{"num_inference_steps":[50]}}""", "'num_inference_steps' must be a number (at most 4 is sent for this model); it is an array of 1.")]
    [InlineData("""{"inputs":"a","parameters":{"width":true}}""", "'width' must be a number (a multiple of 16 is sent for this model); it is a boolean.")]
    [InlineData("""{"inputs":["a","b"]}""", "'inputs' must be one prompt or picture, as a request is for one image; it is an array of 2.")]
    [InlineData("""{"inputs":{"prompt":["a","b","c"]}}""", "'prompt' must be one prompt or picture, as a request is for one image; it is an array of 3.")]
    [InlineData("""{"inputs":"a","parameters":{"prompt":["a","b"]}}""", "'prompt' must be one prompt or picture, as a request is for one image; it is an array of 2.")]
    public async Task A_value_that_a_rule_cannot_hold_for_is_422_and_named(string sent, string error)
    {
        var before = fixture.HuggingFace.Received.Count;

        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, sent, "free");

        answer.ShouldBe(422, "parameter-refused");
        answer.Error.ShouldBe(error);
        fixture.HuggingFace.Received.Count.ShouldBe(before);
    }

    [Theory]
    [InlineData(null, "image/png")]
    [InlineData("*/*", "image/png")]
    [InlineData("image/*", "image/png")]
    [InlineData("application/json", "image/png")]
    [InlineData("application/json, text/plain, */*", "image/png")]
    [InlineData("image/png, */*", "image/png")]
    [InlineData("image/PNG;q=0.9", "image/png")]
    [InlineData("image/jpg", "image/png")]
    [InlineData("image/jpeg", "image/jpeg")]
    [InlineData("IMAGE/JPEG , image/png", "image/jpeg")]
    [InlineData("image/webp,image/png", "image/webp")]
    [InlineData("image/webp;q=0.1,image/png;q=1", "image/webp")]
    [InlineData("text/html, image/webp", "image/png")]
    [InlineData(",image/webp", "image/png")]
    public async Task Upstream_is_asked_for_exactly_one_media_type(string? accept, string asked)
    {
        var answer = await fixture.Gateway.GenerateAsync(Sdxl, """{"inputs":"a"}""", change: request =>
        {
            if (accept is not null)
            {
                request.Headers.TryAddWithoutValidation("Accept", accept);
            }
        });

        answer.ShouldBeAnImage(asked);
        fixture.HuggingFace.Received[^1].Header("Accept").ShouldBe(asked);
    }

    [Fact]
    public async Task The_routes_transform_names_the_media_type_that_is_asked_for_otherwise()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "ReverseProxy:Routes:models:Transforms:1:ImageAccept=image/webp");

        (await gateway.GenerateAsync(Sdxl, """{"inputs":"a"}""")).ShouldBeAnImage("image/webp");
        (await gateway.GenerateAsync(Sdxl, """{"inputs":"a"}""", change: request => request.Headers.Add("Accept", "image/png"))).ShouldBeAnImage();
    }

    private async Task<string> SeenAsync(string model, string body, string? tier = null)
    {
        (await fixture.Gateway.GenerateAsync(model, body, tier)).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        return Encoding.UTF8.GetString(fixture.HuggingFace.Received[^1].Body);
    }
}
