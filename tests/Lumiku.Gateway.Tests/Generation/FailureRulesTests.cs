using System.Buffers;
using System.Text;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;
using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>What upstream's answers mean: neither the status nor the words say it alone.</summary>
public class FailureRulesTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string Body = """{"inputs":"a heron","parameters":{"seed":1}}""";

    /// <summary>Every row of the catalogue of errors: status, body word for word, class, and whether it is tried again.</summary>
    public static TheoryData<int, string, string, string> Catalogue => new()
    {
        { 400, """{"error":"\n                Accept type \"application/json, text/plain, */*\" not supported.\n                Supported accept types are:\n                image/png, image/jpeg\n            "}""", "Refused", "Never" },
        { 400, """{"error":"Model not supported by provider hf-inference"}""", "Gone", "Never" },
        { 400, """{"error":"The requested model 'a/b' is not supported by any provider you have enabled."}""", "Gone", "Never" },
        { 400, """{"error":"Unknown parameter(s): lora, lora_scale"}""", "ParameterRefused", "Never" },
        { 400, """{"error":"FluxPipeline.__call__() got an unexpected keyword argument 'scheduler'"}""", "ParameterRefused", "Never" },
        { 400, """{"error":"FluxPipeline.__call__() got multiple values for argument 'prompt'"}""", "ParameterRefused", "Never" },
        { 400, """{"error":"`height` and `width` have to be divisible by 8 but are 500 and 501."}""", "Refused", "Never" },
        { 400, """{"error":"height has to be divisible by 16 but is 500"}""", "ParameterRefused", "Never" },
        { 400, """{"error":"`max_sequence_length` cannot be greater than 256 but is 512"}""", "ParameterRefused", "Never" },
        { 400, """{"error":"Body needs to provide a inputs key, recieved: {}"}""", "Refused", "Never" },
        { 400, """{"error":["Input should be a valid integer: received `x` in `parameters`"]}""", "ParameterRefused", "Never" },
        { 400, """{"error":"unsupported operand type(s) for /: 'str' and 'int'","warnings":["There was an inference error: unsupported operand type(s) for /: 'str' and 'int'"]}""", "Refused", "Never" },
        { 400, """{"error":"CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 14.76 GiB total capacity; 13.51 GiB already allocated)"}""", "Overloaded", "Once" },
        { 400, """{"error":"Authorization header is correct, but the token seems invalid"}""", "Account", "Never" },
        { 400, """{"error":"Model requires a Pro subscription"}""", "Account", "Never" },
        { 403, """{"error":"Model requires a Pro subscription; check out hf.co/pricing to learn more. Make sure to include your HF token in your query."}""", "Account", "Never" },
        { 401, """{"error":"Invalid username or password."}""", "Account", "Never" },
        { 401, """{"error":"Invalid credentials in Authorization header"}""", "Account", "Never" },
        { 402, """{"error":"You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits."}""", "Account", "Never" },
        { 402, """{"error":{"message":"You have depleted your monthly included credits. Purchase pre-paid credits to continue using Inference Providers."}}""", "Account", "Never" },
        { 402, """{"error":"Pay-as-you go is not enabled for provider fal-ai yet."}""", "Account", "Never" },
        { 403, """{"error":"This authentication method does not have sufficient permissions to call Inference Providers on behalf of user lumiku"}""", "Account", "Never" },
        { 403, """{"error":"The model a/b is too large to be loaded automatically (16GB > 10GB). Please use Spaces (https://huggingface.co/spaces) or Inference Endpoints (https://huggingface.co/inference-endpoints)."}""", "Gone", "Never" },
        { 404, "Not Found", "Gone", "Never" },
        { 404, """{"error":"Model a/b does not exist"}""", "Gone", "Never" },
        { 408, "", "Timeout", "Never" },
        { 410, """{"error":"The requested model is deprecated and no longer supported by provider hf-inference"}""", "Gone", "Never" },
        { 400, """{"error":"The requested model is deprecated and no longer supported by provider hf-inference"}""", "Gone", "Never" },
        { 410, """{"error":"https://api-inference.huggingface.co is no longer supported. Please use https://router.huggingface.co/hf-inference instead."}""", "Gone", "Never" },
        { 413, """{"error":"Payload too large"}""", "Refused", "Never" },
        { 429, """{"error":"Rate limit reached. You reached free usage limit (reset hourly). Please subscribe to a plan at https://huggingface.co/pricing to use the API at this rate"}""", "RateLimited", "Never" },
        { 500, """{"error":"Model too busy, unable to get response in less than 60 second(s)"}""", "Overloaded", "Once" },
        { 500, """{"error":"Model too busy, unable to get response in less than 120 second(s)"}""", "Overloaded", "Once" },
        { 500, """{"error":"unknown error","warnings":["CUDA out of memory. Tried to allocate 20.00 MiB","There was an inference error: CUDA out of memory."]}""", "Overloaded", "Once" },
        { 500, "", "Failed", "Never" },
        { 502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "Failed", "Never" },
        { 503, """{"error":"Model a/b is currently loading","estimated_time":20.0}""", "Loading", "Wait" },
        { 200, """{"error":"Model a/b is currently loading","estimated_time":1800.0}""", "Loading", "Wait" },
        { 503, "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n</html>\r\n", "Overloaded", "Wait" },
        { 503, """{"error":"Service temporarily unavailable, overload detected"}""", "Overloaded", "Wait" },
        { 504, "Gateway Timeout", "Timeout", "Never" },
        { 204, "", "NotAnImage", "Never" },
        { 200, """{"error":"Model too busy, unable to get response in less than 60 second(s)"}""", "NotAnImage", "Never" },
        { 200, "\"iVBORw0KGgo=\"", "NotAnImage", "Never" },
        { 302, "", "Failed", "Never" },
        { 418, "", "Refused", "Never" },
        { 999, "", "Failed", "Never" },
    };

    [Theory]
    [MemberData(nameof(Catalogue))]
    public void An_answer_of_the_catalogue_has_its_class_and_is_repeated_only_where_the_model_did_not_run(int status, string body, string kind, string repeat)
    {
        var answer = new UpstreamAnswer(status, new HeaderDictionary(), new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(body)), null, ForwarderError.None, IsTooLarge: false);

        var failure = UpstreamAnswerReader.FailureOf(answer, fixture.Gateway.Services.GetRequiredService<CurrentSettings>().Value, "is none", dialects: []);

        $"{failure.Class} {failure.Repeat}".ShouldBe($"{kind} {repeat}");
    }

    [Theory]
    [InlineData(20.0)]
    [InlineData(1800.0)]
    public void How_long_a_model_loads_is_read_from_the_answer(double seconds)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"error":"Model a/b is currently loading","estimated_time":{{seconds}}}""");
        var answer = new UpstreamAnswer(503, new HeaderDictionary(), new ReadOnlySequence<byte>(body), null, ForwarderError.None, IsTooLarge: false);

        var failure = UpstreamAnswerReader.FailureOf(answer, fixture.Gateway.Services.GetRequiredService<CurrentSettings>().Value, "is none", dialects: []);

        failure.EstimatedTime.ShouldBe(TimeSpan.FromSeconds(seconds));
    }

    [Theory]
    [InlineData("", "deprecated", 404, "model-not-offered")]
    [InlineData("Status=410;Class=Account", "deprecated", 502, "upstream-account")] // By status.
    [InlineData("Message=DEPRECATED and no;Class=Refused", "deprecated", 422, "upstream-refused")] // By words, in whatever letters.
    [InlineData("Status=410;Message=payload;Class=Refused", "deprecated", 404, "model-not-offered")] // Both must fit.
    [InlineData("Status=429;Class=Failed", "rate-limited", 502, "upstream-failed")]
    [InlineData("Status=200;Message=too busy;Class=Overloaded;Repeat=Never", "json-200", 504, "upstream-overloaded")] // A success without an image.
    [InlineData("Status=200;Class=Refused", "empty-200", 422, "upstream-refused")]
    public async Task A_rule_of_the_settings_comes_before_those_that_are_built_in(string rule, string kind, int status, string type)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, Rule(rule));
        huggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(kind));

        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBe(status, type);
        huggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_rule_of_the_settings_does_not_concern_whole_images()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, Rule("Status=200;Class=Refused"));

        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBeAnImage();
    }

    [Fact]
    public async Task The_first_rule_of_the_settings_that_fits_counts()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(
            huggingFace, [.. Rule("Status=500;Message=queue;Class=Refused"), .. Rule("Status=500;Class=Account", 1), .. Rule("Status=500;Class=Gone", 2)]);
        huggingFace.Behave(TestGateway.Sd3, Misbehaviour.Empty500);

        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBe(502, "upstream-account");
    }

    [Theory]
    [InlineData("Status=500", "'Generation:FailureRules:0:Class' is missing; there are Loading, Overloaded, RateLimited,")]
    [InlineData("Class=Failed", "'Generation:FailureRules:0' fits every answer: give it a Status, a Message or both.")]
    [InlineData("Status=1000;Class=Failed", "'Generation:FailureRules:0:Status' must be between 0 and 999 and is 1000.")]
    [InlineData("Status=-1;Class=Failed", "'Generation:FailureRules:0:Status' must be between 0 and 999 and is -1.")]
    [InlineData("Status=500;Class=Sleepy", "Generation:FailureRules:0:Class")]
    [InlineData("Status=500;Class=Failed;Repeat=Often", "Generation:FailureRules:0:Repeat")]
    [InlineData("Status=500;Class=Failed;Retry=Once", "Retry")]
    public async Task A_wrong_rule_is_refused_with_its_key(string rule, string message)
    {
        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(fixture.HuggingFace, Rule(rule)));

        refusal.Message.ShouldContain(message);
    }

    /// <summary>As the settings have it: <c>Status=500;Class=Gone</c> are two keys of one rule.</summary>
    private static string[] Rule(string rule, int index = 0) =>
        [.. rule.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(part => $"Generation:FailureRules:{index}:{part}")];
}
