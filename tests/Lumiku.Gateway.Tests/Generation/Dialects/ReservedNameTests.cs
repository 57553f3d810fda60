using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;
using static Lumiku.Gateway.Tests.Support.JsonDocuments;

namespace Lumiku.Gateway.Tests.Generation.Dialects;

/// <summary>What the gateway says at an upstream, and what it goes by there, no caller can say too.</summary>
public class ReservedNameTests
{
    private const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ";

    private const string Together = "\"Dialect\": \"openai-images\", \"Parameters\": { \"Rename\": { \"num_inference_steps\": \"steps\" }, \"Maximum\": { \"num_inference_steps\": 8 }, \"Set\": { \"response_format\": \"base64\" }, \"Size\": \"WidthAndHeight\", \"Format\": \"output_format\" }";

    /// <summary>Those shipped, and what else settings can say.</summary>
    public static readonly TheoryData<string, string> Upstreams = new()
    {
        { "\"Dialect\": \"openai-images\"", "" },
        { Together, "" },
        { "\"Dialect\": \"openai-images\", \"Parameters\": { \"Set\": { \"size\": \"512x512\", \"quality\": \"hd\" }, \"Default\": { \"quality\": 3, \"seed\": 5, \"n\": 1 } }", "" },
        { "\"Dialect\": \"fal-ai\", \"Parameters\": { \"Default\": { \"width\": 1024, \"height\": 1024 } }", "\"Pictures\": { \"image\": \"image_url\", \"mask\": \"mask_urls[]\" }" },
        { "\"Dialect\": \"fal-ai\", \"Queue\": false, \"Parameters\": { \"Set\": { \"output_format\": \"jpeg\" }, \"Remove\": [ \"seed\" ], \"Default\": { \"seed\": 3 } }", "" },
        { "\"Dialect\": \"replicate\"", "\"ProviderModelId\": \"x/y:abc\"" },
        { "\"Dialect\": \"replicate\", \"Parameters\": { \"Rename\": { \"num_inference_steps\": \"steps\", \"scheduler\": \"steps\" }, \"Default\": { \"num_inference_steps\": 4 } }", "" },
        { "\"Dialect\": \"wavespeed\"", "\"Pictures\": { \"image\": \"image\" }" },
    };

    private static readonly Gen<string> Name = Gen.Elements(
        "model", "Model", "MODEL", "response_format", "stream", "sync_mode", "prompt", "Prompt", "n", "N", "num_images", "num_outputs", "num_images_per_prompt", "max_images",
        "size", "Size", "image_size", "aspect_ratio", "megapixels", "width", "height", "Width", "target_size", "steps", "num_inference_steps", "scheduler", "guidance", "guidance_scale",
        "output_format", "Output_Format", "image_url", "mask_urls", "quality", "version", "input", "seed", "negative_prompt", "enable_base64_output");

    private static readonly Gen<string> Value = Gen.Elements(
        "4", "512", "1024", "null", "true", "\"url\"", "\"other/model\"", """{"width":512,"height":512}""", """{"width":512,"height":512,"model":"other/model"}""", """{"model":{"model":1},"n":4}""", "[1,2]");

    [Theory]
    [MemberData(nameof(Upstreams))]
    public void No_order_says_anything_twice_or_names_another_model_or_more_images(string upstream, string served)
    {
        var bench = new DialectBench(upstream, served);
        var ordered = 0;
        foreach (var given in Bodies().Sample(2_000, 12))
        {
            string body;
            try
            {
                body = bench.Order(given).Body;
            }
            catch (RefusedParameterException)
            {
                continue;
            }

            ordered++;
            using var order = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = order.RootElement;
            var members = root.TryGetProperty("input", out var input) && upstream.Contains("replicate", StringComparison.Ordinal) ? input : root;
            var names = members.EnumerateObject().Select(member => member.Name).ToList();
            names.Distinct(StringComparer.OrdinalIgnoreCase).Count().ShouldBe(names.Count, $"{given} became {body}");
            names.ShouldNotContain("num_images_per_prompt");
            root.TryGetProperty("model", out var model).ShouldBe(upstream.Contains("openai", StringComparison.Ordinal), given);
            (model.ValueKind == JsonValueKind.Undefined ? "a/b" : model.GetString()).ShouldBe("a/b", given);
        }

        ordered.ShouldBeGreaterThan(20);
    }

    [Theory]
    [InlineData("\"Dialect\": \"openai-images\"", "", """{"model":"some/dearer"}""", "'model' is not taken for this model by there, which serves it: it is the gateway's own to say there.")]
    [InlineData("\"Dialect\": \"openai-images\"", "", """{"MODEL":"some/dearer"}""", "'MODEL' is not taken")]
    [InlineData("\"Dialect\": \"openai-images\"", "", """{"response_format":"url"}""", "'response_format' is not taken")]
    [InlineData("\"Dialect\": \"openai-images\"", "", """{"stream":true}""", "'stream' is not taken")]
    [InlineData("\"Dialect\": \"openai-images\"", "", """{"size":"4096x4096"}""", "'size' is not taken for this model by there, which serves it: a size is said as 'width' and 'height'.")]
    [InlineData(Together, "", """{"num_inference_steps":4,"steps":12}""", "'steps' is not taken for this model by there, which serves it: it is called 'num_inference_steps' here (Rename).")]
    [InlineData(Together, "", """{"steps":12}""", "'steps' is not taken")]
    [InlineData(Together, "", """{"size":"4096x4096"}""", "'size' is not taken")]
    [InlineData("\"Dialect\": \"fal-ai\"", "", """{"image_size":{"width":4096,"height":4096}}""", "'image_size' is not taken")]
    [InlineData("\"Dialect\": \"fal-ai\"", "", """{"sync_mode":true}""", "'sync_mode' is not taken")]
    [InlineData("\"Dialect\": \"fal-ai\"", "", """{"model":"other"}""", "'model' is not taken")]
    [InlineData("\"Dialect\": \"fal-ai\"", "", """{"output_format":"gif"}""", "'output_format' is not taken for this model by there, which serves it: the format is said by Accept.")]
    [InlineData("\"Dialect\": \"fal-ai\"", "\"Pictures\": { \"image\": \"image_urls[]\" }", """{"image_urls":["https://x.example/"]}""", "the picture is called 'image' here (Pictures).")]
    [InlineData("\"Dialect\": \"fal-ai\"", "\"Pictures\": { \"image\": \"mask_image_url\", \"mask\": \"mask_image_url\" }", $$"""{"image":"{{Png}}","mask":"{{Png}}"}""", "'mask' would be a second 'mask_image_url'")]
    [InlineData("\"Dialect\": \"replicate\"", "", """{"guidance":9}""", "it is called 'guidance_scale' here (Rename).")]
    [InlineData("\"Dialect\": \"replicate\"", "", """{"megapixels":"4"}""", "'megapixels' is not taken")]
    [InlineData("\"Dialect\": \"replicate\", \"Parameters\": { \"Rename\": { \"a\": \"c\", \"b\": \"c\" } }", "", """{"a":1,"b":2}""", "'b' would be a second 'c'")]
    [InlineData("\"Dialect\": \"wavespeed\"", "", """{"size":"4096*4096"}""", "'size' is not taken")]
    [InlineData("\"Dialect\": \"wavespeed\"", "", """{"enable_base64_output":true}""", "'enable_base64_output' is not taken")]
    [InlineData("\"Dialect\": \"wavespeed\", \"Parameters\": { \"Set\": { \"size\": \"512*512\" } }", "", """{"width":4096,"height":4096}""", "'width' and 'height' cannot be chosen")]
    public void A_reserved_name_is_refused_with_the_rule(string upstream, string served, string parameters, string message)
    {
        var bench = new DialectBench(upstream, served);

        Should.Throw<RefusedParameterException>(() => bench.Order($$"""{"inputs":"a fox","parameters":{{parameters}}}""")).Message.ShouldContain(message);
        if (!parameters.Contains(Png, StringComparison.Ordinal))
        {
            Should.Throw<RefusedParameterException>(() => bench.Order($$"""{"inputs":{"prompt":"a fox",{{parameters[1..]}}}""")).Message.ShouldContain(message);
        }
    }

    [Theory]
    [InlineData(Together, """{"num_inference_steps":12}""", """{"model":"a/b","prompt":"a fox","steps":8,"output_format":"png","response_format":"base64"}""")]
    // What Set says is dropped, as ever.
    [InlineData(Together, """{"response_format":"url"}""", """{"model":"a/b","prompt":"a fox","output_format":"png","response_format":"base64"}""")]
    [InlineData("\"Dialect\": \"openai-images\"", """{"n":4,"num_images":4,"num_outputs":4,"max_images":4,"batch_size":4,"quality":"hd"}""", """{"model":"a/b","response_format":"b64_json","prompt":"a fox","quality":"hd"}""")]
    // A rule of the operator's that names it lets it through.
    [InlineData("\"Dialect\": \"fal-ai\", \"Parameters\": { \"Rename\": { \"aspect_ratio\": \"aspect_ratio\" } }", """{"aspect_ratio":"16:9"}""", """{"prompt":"a fox","aspect_ratio":"16:9","output_format":"png"}""")]
    [InlineData("\"Dialect\": \"fal-ai\", \"Parameters\": { \"Remove\": [ \"model\", \"steps\" ], \"Default\": { \"steps\": 3 } }", """{"model":"x","steps":9}""", """{"prompt":"a fox","steps":3,"output_format":"png"}""")]
    [InlineData("\"Dialect\": \"fal-ai\", \"Parameters\": { \"Set\": { \"image_size\": \"square\", \"output_format\": \"jpeg\" }, \"Default\": { \"width\": 64, \"height\": 64 } }", "{}", """{"prompt":"a fox","image_size":"square","output_format":"jpeg"}""")]
    public void Everything_is_said_once(string upstream, string parameters, string body) =>
        new DialectBench(upstream).Order($$"""{"inputs":"a fox","parameters":{{parameters}}}""").Body.ShouldBe(body);

    private static Gen<string> Bodies() =>
        from inputs in Members()
        from parameters in Members()
        from isObject in Gen.Elements(true, false)
        select $$"""{"inputs":{{(isObject ? $"{{{inputs}}}" : "\"a fox\"")}},"parameters":{{{parameters}}},"model":"other/model"}""";

    private static Gen<string> Members() =>
        from count in Gen.Choose(0, 4)
        from names in Name.ListOf(count)
        from values in Value.ListOf(count)
        select string.Join(",", names.Zip(values).DistinctBy(member => member.First).Select(member => $"{Quote(member.First)}:{member.Second}"));
}
