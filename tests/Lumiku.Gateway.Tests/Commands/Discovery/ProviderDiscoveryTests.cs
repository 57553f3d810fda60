using System.Text.Json;
using Lumiku.Gateway.Commands.Discovery;
using Lumiku.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Commands.Discovery;

/// <summary><c>probe --discover</c> says who serves the models, and how the settings say so.</summary>
public class ProviderDiscoveryTests
{
    private const string Dev = TestGateway.Dev;

    private const string FourProviders = """
        [
          {"provider":"hf-inference","providerId":"black-forest-labs/FLUX.1-dev","status":"error","task":"text-to-image"},
          {"provider":"fal-ai","providerId":"fal-ai/flux/dev","status":"live","task":"text-to-image","type":"single-model"},
          {"provider":"replicate","providerId":"black-forest-labs/flux-dev","status":"live","task":"text-to-image"},
          {"provider":"nebius","providerId":"black-forest-labs/flux-dev","status":"live","task":"text-to-image"}
        ]
        """;

    [Fact]
    public async Task Providers_are_a_table_and_those_that_we_speak_to_are_lines_for_the_settings()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Say(Dev, FourProviders);

        var (exitCode, output, errors) = await DiscoverAsync(hub, Dev);

        exitCode.ShouldBe(0, errors);
        output.ShouldBe("""
            MODEL                         PROVIDER      ID THERE                      TASK           STATUS  UPSTREAM
            black-forest-labs/FLUX.1-dev  hf-inference  black-forest-labs/FLUX.1-dev  text-to-image  error   hf-inference
            black-forest-labs/FLUX.1-dev  fal-ai        fal-ai/flux/dev               text-to-image  live    Fal-AI
            black-forest-labs/FLUX.1-dev  replicate     black-forest-labs/flux-dev    text-to-image  live    replicate
            black-forest-labs/FLUX.1-dev  nebius        black-forest-labs/flux-dev    text-to-image  live    no dialect

            1 of 1 models are live where the gateway can ask for them.
            For Models:Catalog, beside what an entry there says already:

            "black-forest-labs/FLUX.1-dev": {
              "Served": [
                { "Upstream": "Fal-AI", "ProviderModelId": "fal-ai/flux/dev" },
                { "Upstream": "replicate", "ProviderModelId": "black-forest-labs/flux-dev" }
              ]
            }
            """);
        hub.Requests.ShouldBe([$"GET /api/models/{Dev}?expand[]=inferenceProviderMapping Accept Host User-Agent"]);
    }

    [Fact]
    public async Task A_provider_that_the_settings_have_no_upstream_for_is_said_to_be_missing()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Say(Dev, FourProviders);
        using var settings = new EditedSettings();
        settings.Edit(_ => """{ "Upstreams": { "fal-ai": { "Dialect": "fal-ai" } } }""");
        await using var command = GatewayProcess.Start(["probe", "--discover", Dev, "--hub", $"{hub.Address}"], new() { ["GATEWAY_SETTINGS"] = settings.Path });

        (await command.ExitCodeAsync()).ShouldBe(0, command.Errors);

        var output = string.Join('\n', command.Output);
        output.ShouldMatch("replicate +black-forest-labs/flux-dev +text-to-image +live +not in the settings");
        output.ShouldEndWith("Upstreams has no replicate: add those that should serve, or leave their lines out.");
    }

    [Fact]
    public async Task The_older_form_is_read_too_and_a_model_of_Hugging_Faces_own_needs_no_id()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Say(Dev, $$$"""{"hf-inference":{"providerId":"{{{Dev}}}","status":"live","task":"text-to-image"},"nscale":{"providerId":"flux","status":"staging","task":"text-to-image"}}""");

        var (exitCode, output, _) = await DiscoverAsync(hub, Dev);

        exitCode.ShouldBe(0, output);
        output.ShouldMatch("nscale +flux +text-to-image +staging");
        output.ShouldContain("""
              "Served": [
                { "Upstream": "hf-inference" }
              ]
            """);
    }

    [Fact]
    public async Task Machines_get_an_array()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Say(Dev, """[{"provider":"fal-ai","providerId":"fal-ai/flux/dev","status":"live","task":"text-to-image"}]""");

        var (exitCode, output, _) = await DiscoverAsync(hub, Dev, "no/such", "--json");

        exitCode.ShouldBe(1);
        JsonElement.DeepEquals(JsonElement.Parse(output), JsonElement.Parse("""
            [
              {"model":"black-forest-labs/FLUX.1-dev","error":null,
               "providers":[{"provider":"fal-ai","providerId":"fal-ai/flux/dev","task":"text-to-image","status":"live","upstream":"Fal-AI","hasDialect":true}],
               "served":[{"upstream":"Fal-AI","providerModelId":"fal-ai/flux/dev"}]},
              {"model":"no/such","error":"The Hub has no such model, or none that is public.","providers":[],"served":[]}
            ]
            """)).ShouldBeTrue(output);
    }

    [Fact]
    public async Task Without_names_every_listed_model_is_asked_about_four_at_a_time()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Answers[Dev] = hub.Answers[TestGateway.Schnell] = async context =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System);
            await context.Response.WriteAsync("""{"inferenceProviderMapping":[]}""");
        };

        var (exitCode, output, _) = await DiscoverAsync(hub);

        exitCode.ShouldBe(1);
        hub.Requests.Count.ShouldBe(8);
        hub.MostAtOnce.ShouldBeLessThanOrEqualTo(4);
        output.ShouldMatch($"{Dev} .* nobody serves it\n");
        output.ShouldMatch("stabilityai/stable-diffusion-xl-base-1.0 .* The Hub has no such model, or none that is public.\n");
        output.ShouldEndWith("0 of 8 models are live where the gateway can ask for them.");
    }

    [Theory]
    [InlineData("""[{"provider":"nebius","providerId":"x","status":"live","task":"text-to-image"}]""")]
    [InlineData("""[{"provider":"fal-ai","providerId":"x","status":"staging","task":"text-to-image"}]""")]
    [InlineData("""[{"provider":"fal-ai","providerId":"x","status":"live","task":"text-generation"}]""")]
    [InlineData("""[{"provider":"fal-ai","status":"live","task":"text-to-image"}]""")]
    [InlineData("""[{"providerId":"x","status":"live"},"fal-ai",null,5]""")]
    [InlineData("""{"fal-ai":"live"}""")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task A_model_that_no_one_whom_we_speak_to_makes_images_of_is_a_no(string mapping)
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Say(Dev, mapping);

        var (exitCode, output, _) = await DiscoverAsync(hub, Dev);

        exitCode.ShouldBe(1);
        output.ShouldEndWith("0 of 1 models are live where the gateway can ask for them.");
        output.ShouldNotContain("Served");
    }

    [Theory]
    [InlineData("nonsense", "The Hub's answer cannot be read.")]
    [InlineData("[]", "The Hub's answer cannot be read.")]
    [InlineData("""{"inferenceProviderMapping":5}""", "The Hub's answer cannot be read.")]
    [InlineData("429", "The Hub was asked too often")]
    [InlineData("500", "The Hub answered 500.")]
    [InlineData("huge", "The Hub's answer is too large.")]
    [InlineData("abort", "No answer from the Hub: ")]
    [InlineData("silence", "No answer from the Hub within 0.3 s.")]
    public async Task A_hub_that_does_not_tell_is_a_reason(string answer, string error)
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Answers[Dev] = async context =>
        {
            if (answer == "abort")
            {
                context.Abort();
                return;
            }

            if (answer == "silence")
            {
                await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
            }

            context.Response.StatusCode = int.TryParse(answer, out var status) ? status : 200;
            await context.Response.WriteAsync(answer == "huge" ? $"\"{new string('x', 2_000_000)}\"" : answer);
        };
        using var client = new HubClient(hub.Address, answer == "silence" ? TimeSpan.FromSeconds(0.3) : TimeSpan.FromSeconds(10));

        var (providers, told) = await client.AskAsync(Dev);

        providers.ShouldBeEmpty();
        told!.ShouldStartWith(error);
    }

    [Fact]
    public async Task A_model_that_was_renamed_is_found()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Answers["old/name"] = context =>
        {
            context.Response.Redirect($"/api/models/{Dev}{context.Request.QueryString}");
            return Task.CompletedTask;
        };
        hub.Say(Dev, FourProviders);

        (await DiscoverAsync(hub, "old/name")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task What_a_terminal_would_obey_is_not_printed()
    {
        await using var hub = await FakeHub.StartAsync();
        hub.Say(Dev, """[{"provider":"fal-ai","providerId":"a\u001b[2Jb\nc\u009b\u202e\"}","status":"live\r\n","task":"text-to-image"},{"provider":"fal-ai","providerId":"\u0007","status":"live","task":null}]""");

        foreach (var form in new[] { "--json", "--discover" })
        {
            var (_, output, _) = await DiscoverAsync(hub, Dev, form);

            output.Where(c => c is not '\n' and (< ' ' or > '~')).ShouldBeEmpty();
        }
    }

    [Theory]
    [InlineData(2, "--hub must be an https address, or http on this machine.", "--discover", "--hub", "http://huggingface.example")]
    [InlineData(2, "--hub must be an https address, or http on this machine.", "--discover", "--hub", "huggingface.co")]
    [InlineData(2, "--hub must be an https address, or http on this machine.", "--discover", "--hub", "https://a:b@huggingface.co")]
    [InlineData(2, "--hub goes with --discover.", "--hub", "https://huggingface.co")]
    [InlineData(2, "--url is for the gateway that runs", "--discover", "--url", "http://127.0.0.1:9")]
    [InlineData(2, "--timeout is for the gateway that runs", "--discover", "--timeout", "5")]
    [InlineData(2, "'two words' is no model id", "--discover", "two words")]
    public async Task Misuse_is_told_and_nobody_is_asked(int exitCode, string why, params string[] arguments)
    {
        await using var command = GatewayProcess.Start(["probe", .. arguments], []);

        (await command.ExitCodeAsync()).ShouldBe(exitCode);

        command.Errors.ShouldContain(why);
        command.Errors.ShouldNotContain("Asking");
    }

    [Fact]
    public async Task Without_settings_that_can_be_read_nothing_is_asked()
    {
        await using var command = GatewayProcess.Start(["probe", "--discover"], new() { ["GATEWAY_SETTINGS"] = "/no/such/file.json" });

        (await command.ExitCodeAsync()).ShouldBe(1);

        command.Errors.ShouldContain("'/no/such/file.json' cannot be read");
        command.Errors.ShouldNotContain("   at ");
    }

    /// <summary>By the shipped settings and one upstream besides.</summary>
    private static async Task<(int ExitCode, string Output, string Errors)> DiscoverAsync(FakeHub hub, params string[] arguments)
    {
        await using var command = GatewayProcess.Start(
            ["probe", "--discover", "--hub", $"{hub.Address}", .. arguments.Where(argument => argument != "--discover")],
            new() { ["Upstreams__Fal-AI__Route"] = "fal-ai", ["HF_TOKEN"] = "hf_secret", ["HUGGINGFACE_API_KEY"] = "hf_secret" });
        var exitCode = await command.ExitCodeAsync();
        command.Errors.ShouldNotContain("   at ");
        return (exitCode, string.Join('\n', command.Output), command.Errors);
    }
}
