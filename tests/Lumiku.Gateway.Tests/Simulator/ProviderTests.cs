using System.Net;
using System.Text.Json;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Simulator;

/// <summary>The simulator as the providers behind Hugging Face's router.</summary>
public class ProviderTests
{
    private const string Nscale = "nscale/v1/images/generations";
    private const string Together = "together/v1/images/generations";
    private const string FalAi = "fal-ai/fal-ai/flux/schnell";
    private const string Replicate = "replicate/v1/models/black-forest-labs/flux-schnell/predictions";
    private const string Wavespeed = "wavespeed/api/v3/wavespeed-ai/flux-dev";
    private const string Schnell = "black-forest-labs/FLUX.1-schnell";

    public static TheoryData<string, string> Requests => ProviderBench.Requests;

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_good_request_leads_to_a_picture_and_the_same_again_to_the_same(string path, string body)
    {
        await using var bench = await ProviderBench.StartAsync();

        var picture = await bench.CollectAsync(path, body);

        picture.Length.ShouldBeGreaterThan(500);
        (await bench.CollectAsync(path, body)).ShouldBe(picture);
        (await bench.CollectAsync(path, body.Replace("heron", "comet", StringComparison.Ordinal))).ShouldNotBe(picture);
        (await bench.CollectAsync(path, body.Replace("\"seed\":1", "\"seed\":2", StringComparison.Ordinal))).ShouldNotBe(picture);
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task What_was_asked_is_written_down_with_provider_and_both_names_of_the_model(string path, string body)
    {
        await using var bench = await ProviderBench.StartAsync();

        await bench.CollectAsync(path, body);

        var received = bench.HuggingFace.Received;
        received.ShouldAllBe(request => request.Provider == path.Split('/', StringSplitOptions.None)[0]);
        received.ShouldAllBe(request => request.Model.StartsWith("black-forest-labs/FLUX.1-") || request.Model.StartsWith("stabilityai/"));
        received.ShouldAllBe(request => request.ProviderModel.Length > 0);
        received[0].Call.ShouldBe(CallKind.Inference);
        received[0].Prompt.ShouldBe("a heron");
        received[0].Parameters.GetProperty("seed").GetInt32().ShouldBe(1);
        received.Where(request => request.Call == CallKind.Download).ShouldAllBe(request => request.Header("Authorization") == null);
    }

    [Theory]
    [InlineData(Nscale, """{"model":"black-forest-labs/FLUX.1-schnell","prompt":"x","num_inference_steps":4}""", 400, "error.param", "num_inference_steps")]
    [InlineData(Nscale, """{"model":"black-forest-labs/FLUX.1-schnell","prompt":"x","guidance_scale":4}""", 400, "error.param", "guidance_scale")]
    [InlineData(Nscale, """{"model":"black-forest-labs/FLUX.1-schnell","prompt":"x","size":"big"}""", 400, "error.param", "size")]
    [InlineData(Nscale, """{"model":"fal-ai/flux/schnell","prompt":"x"}""", 400, "error", "Model not supported by provider nscale")]
    [InlineData(Together, """{"model":"black-forest-labs/FLUX.1-schnell","prompt":"x","steps":13}""", 400, "error.message", "steps must be between 1 and 12")]
    [InlineData(Together, """{"model":"black-forest-labs/FLUX.1-kontext-dev","prompt":"x"}""", 400, "error.param", "image_url")]
    [InlineData(FalAi, """{"prompt":"x","num_inference_steps":13}""", 422, "detail.0.msg", "ensure this value is less than or equal to 12")]
    [InlineData(FalAi, """{"prompt":"x","image_size":"huge"}""", 422, "detail.0.loc.1", "image_size")]
    [InlineData(FalAi, "{}", 422, "detail.0.type", "value_error.missing")]
    [InlineData("fal-ai/fal-ai/flux/pro", """{"prompt":"x"}""", 400, "error", "Model not supported by provider fal-ai")]
    [InlineData(Replicate, """{"input":{"prompt":"x","width":512}}""", 422, "detail", "- input: Additional property width is not allowed\n")]
    [InlineData(Replicate, """{"input":{"prompt":"x","num_inference_steps":5}}""", 422, "invalid_fields.0.field", "input.num_inference_steps")]
    [InlineData(Replicate, "[]", 400, "error", "Invalid JSON body")]
    [InlineData(Wavespeed, """{"prompt":"x","num_inference_steps":51}""", 400, "message", "property \"num_inference_steps\" must be from 1 to 50")]
    public async Task A_refusal_has_the_providers_own_shape(string path, string body, int status, string place, string text)
    {
        await using var bench = await ProviderBench.StartAsync();

        var answer = await bench.AskAsync(path, body, status);

        var found = place.Split('.').Aggregate(answer, (element, step) => int.TryParse(step, out var index) ? element[index] : element.GetProperty(step));
        found.GetString().ShouldBe(text);
    }

    [Fact]
    public async Task Fals_queue_takes_what_it_then_refuses()
    {
        await using var bench = await ProviderBench.StartAsync();

        var ticket = await bench.AskAsync(FalAi + "?_subdomain=queue", """{"prompt":"x","num_inference_steps":13}""");

        var path = $"fal-ai{new Uri(ticket.GetProperty("response_url").GetString()!).AbsolutePath}";
        path.ShouldStartWith("fal-ai/fal-ai/flux/requests/"); // The application alone, not its path "schnell".
        (await bench.PollAsync(path + "/status?_subdomain=queue")).Json.GetProperty("status").GetString().ShouldBe("COMPLETED");
        (await bench.PollAsync(path + "?_subdomain=queue")).Status.ShouldBe(422);
    }

    [Fact]
    public async Task A_prediction_that_nobody_waits_for_has_only_begun()
    {
        await using var bench = await ProviderBench.StartAsync();

        var prediction = await bench.AskAsync(Replicate, """{"input":{"prompt":"x"}}""", 201, prefer: null);

        prediction.GetProperty("status").GetString().ShouldBe("starting");
        prediction.GetProperty("output").ValueKind.ShouldBe(JsonValueKind.Null);
        var poll = await bench.PollAsync($"replicate{new Uri(prediction.GetProperty("urls").GetProperty("get").GetString()!).AbsolutePath}");
        poll.Json.GetProperty("status").GetString().ShouldBe("succeeded");
    }

    [Fact]
    public async Task A_wait_ends_after_its_seconds_though_the_picture_is_not_done()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.Options.Delay = TimeSpan.FromMinutes(1);

        var prediction = await bench.AskAsync(Replicate, """{"input":{"prompt":"x"}}""", 201, prefer: "wait=1");

        prediction.GetProperty("status").GetString().ShouldBe("starting");
    }

    [Fact]
    public async Task The_render_time_passes_between_ticket_and_result()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.Options.Delay = TimeSpan.FromMinutes(1);

        var ticket = await bench.AskAsync(Wavespeed, """{"prompt":"x"}""");

        var path = $"wavespeed{new Uri(ticket.GetProperty("data").GetProperty("urls").GetProperty("get").GetString()!).AbsolutePath}";
        (await bench.PollAsync(path)).Json.GetProperty("data").GetProperty("status").GetString().ShouldBe("created");
    }

    [Fact]
    public async Task A_token_that_is_none_is_401_at_every_providers_door_but_downloads_need_none()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.Client.DefaultRequestHeaders.Authorization = new("Bearer", "sk-of-another");

        foreach (var request in ProviderBench.Requests)
        {
            using var response = await bench.SendAsync(request.Data.Item1, request.Data.Item2);
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        (await bench.PollAsync("replicate/v1/predictions/none")).Status.ShouldBe(401);
        using var file = await bench.Client.GetAsync("files/none.png");
        file.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await file.Content.ReadAsStringAsync()).ShouldContain("<Code>NoSuchKey</Code>");
    }

    [Fact]
    public async Task The_Hub_maps_a_model_to_its_providers_in_either_form()
    {
        await using var bench = await ProviderBench.StartAsync();
        var path = $"api/models/{Schnell}?expand[]=inferenceProviderMapping";

        var entries = (await bench.PollAsync(path)).Json.GetProperty("inferenceProviderMapping");
        bench.HuggingFace.Options.MapsProvidersByName = true;
        var byName = (await bench.PollAsync(path)).Json.GetProperty("inferenceProviderMapping");

        entries.EnumerateArray().Select(entry => entry.GetProperty("provider").GetString()).ShouldBe(["nscale", "fal-ai", "together", "replicate"]);
        byName.GetProperty("fal-ai").GetProperty("providerId").GetString().ShouldBe("fal-ai/flux/schnell");
        (await bench.PollAsync("api/models/no/such")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_script_is_for_all_of_a_models_providers_or_for_one()
    {
        await using var bench = await ProviderBench.StartAsync();
        var nscale = $$"""{"model":"{{Schnell}}","prompt":"x"}""";

        bench.HuggingFace.Behave(Schnell, Misbehaviour.Overload);
        await bench.AskAsync(Nscale, nscale, 503);
        await bench.AskAsync(FalAi, """{"prompt":"x"}""", 503);

        bench.HuggingFace.BehaveWell();
        bench.HuggingFace.Behave($"nscale:{Schnell}", Misbehaviour.Overload);
        bench.HuggingFace.Behave("replicate:*", Misbehaviour.CreditsDepleted);
        await bench.AskAsync(Nscale, nscale, 503);
        await bench.AskAsync(Replicate, """{"input":{"prompt":"x"}}""", 402);
        await bench.AskAsync(FalAi, """{"prompt":"x"}""");
        await bench.AskAsync(FalAi, """{"prompt":"[[pay-as-you-go]]"}""", 402);
    }
}
