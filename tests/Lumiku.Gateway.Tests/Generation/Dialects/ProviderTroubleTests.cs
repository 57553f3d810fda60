using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;
using static Lumiku.Gateway.Tests.Support.TestGateway;

namespace Lumiku.Gateway.Tests.Generation.Dialects;

/// <summary>What goes wrong at providers between the order and the image, and what callers are told.</summary>
public class ProviderTroubleTests
{
    [Theory]
    // Trouble that passes.
    [InlineData("replicate", "cold-prediction(3)", 200, "")]
    [InlineData("fal-ai", "queued-prediction(2,2)", 200, "")]
    [InlineData("wavespeed", "failing-polls(2,503)", 200, "")]
    [InlineData("wavespeed", "failing-polls(2,500)", 200, "")]
    [InlineData("replicate", "several-outputs(3)", 200, "")]
    [InlineData("fal-ai", "data-url", 200, "")]
    // Trouble that does not.
    [InlineData("replicate", "failed-prediction(the weights are missing)", 502, "upstream-failed")]
    [InlineData("fal-ai", "failed-prediction(the weights are missing)", 502, "upstream-failed")]
    [InlineData("wavespeed", "failed-prediction(the weights are missing)", 502, "upstream-failed")]
    [InlineData("replicate", "nsfw-prediction", 422, "upstream-refused")]
    [InlineData("fal-ai", "nsfw-prediction", 422, "upstream-refused")]
    [InlineData("wavespeed", "nsfw-prediction", 422, "upstream-refused")]
    [InlineData("replicate", "cancelled-prediction", 502, "upstream-failed")]
    [InlineData("wavespeed", "failing-polls(9,401)", 502, "upstream-account")]
    [InlineData("wavespeed", "malformed-polls", 502, "not-an-image")]
    [InlineData("replicate", "null-output", 502, "not-an-image")]
    [InlineData("fal-ai", "empty-output", 502, "not-an-image")]
    [InlineData("together", "empty-output", 502, "not-an-image")]
    [InlineData("together", "broken-base64", 502, "not-an-image")]
    [InlineData("nscale", "malformed-answer", 502, "not-an-image")]
    [InlineData("nscale", "half-picture", 502, "not-an-image")]
    [InlineData("replicate", "half-picture", 502, "not-an-image")]
    [InlineData("replicate", "expired-url(403)", 502, "not-an-image")]
    [InlineData("replicate", "expired-url(404)", 502, "not-an-image")]
    [InlineData("fal-ai", "at-download(wrong-type(text/html))", 200, "")] // Its bytes are an image all the same.
    [InlineData("fal-ai", "at-download(redirect-302)", 502, "not-an-image")]
    [InlineData("fal-ai", "at-download(cut-with-length(1000))", 502, "not-an-image")]
    [InlineData("fal-ai", "download-redirect(http://169.254.169.254/latest/meta-data)", 502, "not-an-image")]
    [InlineData("wavespeed", "poll-url(http://169.254.169.254/latest/meta-data)", 502, "not-an-image")]
    [InlineData("wavespeed", "output-url(http://169.254.169.254/latest/meta-data)", 502, "not-an-image")]
    [InlineData("replicate", "output-url(https://evil.example/1.png)", 502, "not-an-image")]
    [InlineData("fal-ai", "pay-as-you-go", 502, "upstream-account")]
    [InlineData("nscale", "pay-as-you-go", 502, "upstream-account")]
    [InlineData("nscale", "unsupported-by-provider", 404, "model-not-offered")]
    [InlineData("replicate", "rate-limited-retry-after(7)", 429, "upstream-rate-limited")]
    public async Task Each_trouble_has_its_answer(string upstream, string kind, int status, string type)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        var id = upstream switch { "fal-ai" => "fal-ai/flux/schnell", "replicate" => "black-forest-labs/flux-schnell", "wavespeed" => "wavespeed-ai/flux-dev", _ => Schnell };
        var model = upstream == "wavespeed" ? Dev : Schnell;
        await using var gateway = await ServedGateway.StartAsync(huggingFace, model, [$"{upstream}={id}"], $"Models:Catalog:{Dev}:FallbackOn:0=Timeout", $"Models:Catalog:{Dev}:FallbackOn:1=Timeout", $"Models:Catalog:{Dev}:FallbackOn:2=Timeout");
        huggingFace.Behave("*", Misbehaviour.Parse(kind));

        var answer = await gateway.GenerateAsync(model, """{"inputs":"a heron"}""");

        if (status == 200)
        {
            answer.ShouldBeAnImage();
        }
        else
        {
            answer.ShouldBe(status, type);
            answer.Error.ShouldNotContain("meta-data");
        }

        huggingFace.Received.Count(request => request.Method == "POST").ShouldBe(1, "what was ordered is not ordered again");
    }

    [Fact]
    public async Task Out_of_memory_is_tried_once_more()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["replicate=black-forest-labs/flux-schnell"]);
        huggingFace.Behave($"replicate:{Schnell}", Misbehaviour.Times(1, Misbehaviour.FailedPrediction()));

        (await gateway.GenerateAsync(Schnell, """{"inputs":"a heron"}""")).ShouldBeAnImage();

        huggingFace.Received.Count(request => request.Method == "POST").ShouldBe(2);
    }

    [Theory]
    [InlineData("fal-ai", "fal-ai/flux/schnell", """{"inputs":"a heron","parameters":{"num_inference_steps":13}}""", "num_inference_steps")]
    [InlineData("replicate", "black-forest-labs/flux-schnell", """{"inputs":"a heron","parameters":{"num_inference_steps":5}}""", "num_inference_steps")]
    [InlineData("replicate", "black-forest-labs/flux-schnell", """{"inputs":"a heron","parameters":{"odd":5}}""", "odd")]
    [InlineData("together", Schnell, """{"inputs":"a heron","parameters":{"num_inference_steps":13}}""", "steps")]
    public async Task A_parameter_that_the_provider_refuses_is_named(string upstream, string id, string body, string parameter)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, [$"{upstream}={id}"], $"Models:Catalog:{Schnell}:Parameters:Maximum:num_inference_steps=100");

        var answer = await gateway.GenerateAsync(Schnell, body);

        answer.ShouldBe(422, "parameter-refused");
        answer.Error.ShouldContain(parameter);
    }

    [Fact]
    public async Task An_image_is_labelled_as_what_it_is_and_kept_so()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["fal-ai=fal-ai/flux/schnell"]);
        huggingFace.Behave("*", Misbehaviour.WrongFormat("image/jpeg"));

        (await gateway.GenerateAsync(Schnell, """{"inputs":"a heron"}""")).ShouldBeAnImage("image/jpeg");
        var kept = await gateway.GenerateAsync(Schnell, """{"inputs":"a heron"}""");
        kept.ShouldBeAnImage("image/jpeg");
        kept.Header("X-Cache").ShouldBe("HIT");
    }

    [Fact]
    public async Task Formats_say_what_a_model_comes_in_and_whoever_asks_for_another_shares_the_first()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["together"], $"Models:Catalog:{Schnell}:Formats:0=image/jpeg", $"Models:Catalog:{Schnell}:Formats:1=image/webp");

        (await gateway.GenerateAsync(Schnell, """{"inputs":"a heron"}""", change: request => request.Headers.Add("Accept", "image/png"))).ShouldBeAnImage("image/jpeg");
        huggingFace.Received.Single().Json.GetProperty("output_format").GetString().ShouldBe("jpeg");
        (await gateway.GenerateAsync(Schnell, """{"inputs":"a heron"}""", change: request => request.Headers.Add("Accept", "image/jpeg"))).Header("X-Cache").ShouldBe("HIT");
    }

    [Fact]
    public async Task An_endless_prediction_ends_with_the_generation()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await ServedGateway.StartAsync(huggingFace, Schnell, ["replicate=black-forest-labs/flux-schnell"], "Generation:Deadline=00:00:02");
        huggingFace.Behave("*", Misbehaviour.EndlessPrediction);

        (await gateway.GenerateAsync(Schnell, """{"inputs":"a heron"}""")).ShouldBe(504, "upstream-timeout");
    }
}
