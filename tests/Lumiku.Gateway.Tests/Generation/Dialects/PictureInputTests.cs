using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Dialects;

/// <summary>Models that change a picture: what the backend and the official client send reaches providers in their form.</summary>
public class PictureInputTests
{
    private const string Kontext = "black-forest-labs/FLUX.1-Kontext-dev";
    private const string Inpainting = "runwayml/stable-diffusion-inpainting";
    private const string ControlNet = "lllyasviel/control_v11p_sd15_openpose";

    private const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    [Theory]
    [InlineData("fal-ai", "fal-ai/flux-kontext/dev", "image_url")]
    [InlineData("replicate", "black-forest-labs/flux-kontext-dev", "input_image")]
    [InlineData("together", "black-forest-labs/FLUX.1-kontext-dev", "image_url")]
    [InlineData("wavespeed", "wavespeed-ai/flux-kontext-dev", "image")]
    public async Task A_picture_in_inputs_with_its_prompt_in_parameters(string upstream, string id, string name)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Kontext, [$"{upstream}={id}"], $"Models:Catalog:{Kontext}:Served:0:Pictures:image={name}");

        var answer = await gateway.GenerateAsync(Kontext, $$$"""{"inputs":"{{{Png}}}","parameters":{"prompt":"give it a hat"}}""");

        ((int)answer.Status).ShouldBe(200, Explained.TextOf(answer));
        var order = huggingFace.Received[0];
        var input = upstream == "replicate" ? order.Json.GetProperty("input") : order.Json;
        input.GetProperty("prompt").GetString().ShouldBe("give it a hat");
        input.GetProperty(name).GetString().ShouldBe(upstream == "wavespeed" ? Png : $"data:image/png;base64,{Png}");
    }

    [Fact]
    public async Task A_picture_as_the_whole_body()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Kontext, ["wavespeed=wavespeed-ai/flux-kontext-dev"], $"Models:Catalog:{Kontext}:Served:0:Pictures:image=image");

        await gateway.GenerateAsync(Kontext, "", change: request =>
        {
            request.Content = new ByteArrayContent(Convert.FromBase64String(Png));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        });

        // A provider that wants a prompt besides refuses it; what it gets is the picture.
        huggingFace.Received[0].Json.GetProperty("image").GetString().ShouldBe(Png);
    }

    [Fact]
    public async Task A_picture_with_a_mask()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(
            huggingFace, Inpainting, ["fal-ai=fal-ai/inpaint"], $"Models:Catalog:{Inpainting}:Served:0:Pictures:image=image_url", $"Models:Catalog:{Inpainting}:Served:0:Pictures:mask=mask_url");

        var answer = await gateway.GenerateAsync(Inpainting, $$$"""{"inputs":{"image":"{{{Png}}}","mask":"data:image/png;base64,{{{Png}}}"},"parameters":{"prompt":"a hat","strength":0.8}}""");

        ((int)answer.Status).ShouldBe(200, Explained.TextOf(answer));
        var order = huggingFace.Received[0].Json;
        order.GetProperty("image_url").GetString().ShouldBe($"data:image/png;base64,{Png}");
        order.GetProperty("mask_url").GetString().ShouldBe($"data:image/png;base64,{Png}");
    }

    [Fact]
    public async Task A_pose_beside_the_picture_as_the_backend_sends_it()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, ControlNet, ["fal-ai=fal-ai/sd15-controlnet-openpose"], $"Models:Catalog:{ControlNet}:Served:0:Pictures:image=image_url", $"Models:Catalog:{ControlNet}:Served:0:Pictures:control_image=control_image_url");

        var answer = await gateway.GenerateAsync(ControlNet, $$$"""{"inputs":"{{{Png}}}","parameters":{"prompt":"a dancer","control_image":"{{{Png}}}","controlnet_conditioning_scale":1.0}}""");

        ((int)answer.Status).ShouldBe(200, Explained.TextOf(answer));
        huggingFace.Received[0].Json.GetProperty("control_image_url").GetString().ShouldBe($"data:image/png;base64,{Png}");
    }

    [Fact]
    public async Task Where_nobody_takes_pictures_the_error_says_so_and_nothing_is_charged_or_sent()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, TestGateway.Schnell, ["nscale", "fal-ai=fal-ai/flux/schnell"], "Tiers:free:UnitsPerDay=1");

        var answer = await gateway.GenerateAsync(TestGateway.Schnell, $$$"""{"inputs":"{{{Png}}}","parameters":{"prompt":"give it a hat"}}""", "free");

        answer.ShouldBe(422, "parameter-refused");
        answer.Error.ShouldContain("makes images of words alone");
        answer.Error.ShouldNotContain(Png[..40]);
        huggingFace.Received.ShouldBeEmpty();
        (await gateway.GenerateAsync(TestGateway.Schnell, """{"inputs":"a hat"}""", "free")).ShouldBeAnImage();
    }
}
