using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Dialects;

/// <summary>What each kind of upstream is sent for what callers send, as the official client sends it there.</summary>
public class OrderTests
{
    private const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ";
    private const string Jpeg = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgH";

    [Theory]
    [InlineData("openai-images", "", """{"inputs":"a fox"}""", "POST /v1/images/generations", """{"model":"x/y","response_format":"b64_json","prompt":"a fox"}""")]
    [InlineData("openai-images", "", """{"inputs":"a fox","parameters":{"width":1024,"height":768,"seed":7,"negative_prompt":"a dog"}}""", "POST /v1/images/generations", """{"model":"x/y","response_format":"b64_json","prompt":"a fox","size":"1024x768","seed":7,"negative_prompt":"a dog"}""")]
    [InlineData("fal-ai", "", """{"inputs":"a fox","parameters":{"width":1024,"height":768,"guidance_scale":3.50}}""", "POST /x/y?_subdomain=queue", """{"prompt":"a fox","image_size":{"width":1024,"height":768},"guidance_scale":3.50,"output_format":"png"}""")]
    [InlineData("fal-ai", "\"Queue\": false", """{"inputs":"a fox"}""", "POST /x/y", """{"sync_mode":true,"prompt":"a fox","output_format":"png"}""")]
    [InlineData("replicate", "", """{"inputs":"a fox","parameters":{"width":1344,"height":768,"guidance_scale":3,"seed":123456789012345678901}}""", "POST /v1/models/x/y/predictions Prefer: wait", """{"input":{"prompt":"a fox","aspect_ratio":"16:9","megapixels":"1","guidance":3,"seed":123456789012345678901,"output_format":"png"}}""")]
    [InlineData("replicate", "", """{"inputs":"a fox","parameters":{"width":512,"height":512}}""", "POST /v1/models/x/y/predictions Prefer: wait", """{"input":{"prompt":"a fox","aspect_ratio":"1:1","megapixels":"0.25","output_format":"png"}}""")]
    [InlineData("wavespeed", "", """{"inputs":"a fox","parameters":{"width":1024,"height":768,"num_inference_steps":28}}""", "POST /api/v3/x/y", """{"prompt":"a fox","size":"1024*768","num_inference_steps":28,"output_format":"png"}""")]
    [InlineData("hf-inference", "\"Route\": \"models\"", """{"inputs":"a fox","parameters":{"width":1024}}""", "POST /models/x/y", """{"inputs":"a fox","parameters":{"width":1024}}""")]
    public void Each_dialect_says_it_in_its_own_way(string dialect, string options, string given, string line, string body)
    {
        var bench = new DialectBench($"\"Dialect\": \"{dialect}\"{(options.Length == 0 ? "" : $", {options}")}", "\"ProviderModelId\": \"x/y\"");

        bench.Order(given).ShouldBe((line, body));
    }

    [Fact]
    public void A_version_of_a_model_is_ordered_by_its_hash()
    {
        var bench = new DialectBench("\"Dialect\": \"replicate\"", "\"ProviderModelId\": \"x/y:abc123\"");

        bench.Order("""{"inputs":"a fox"}""").ShouldBe(("POST /v1/predictions Prefer: wait", """{"input":{"prompt":"a fox","output_format":"png"},"version":"abc123"}"""));
    }

    [Theory]
    [InlineData("fal-ai", "image/jpeg", "\"output_format\":\"jpeg\"")]
    [InlineData("fal-ai", "image/webp", "\"output_format\":\"png\"")] // It makes none.
    [InlineData("replicate", "image/jpeg", "\"output_format\":\"jpg\"")]
    [InlineData("replicate", "image/webp", "\"output_format\":\"webp\"")]
    [InlineData("wavespeed", "image/jpeg", "\"output_format\":\"jpeg\"")]
    public void The_wanted_format_is_asked_for_where_there_is_a_switch(string dialect, string accept, string member) =>
        new DialectBench($"\"Dialect\": \"{dialect}\"").Order("""{"inputs":"a fox"}""", accept).Body.ShouldContain(member);

    [Fact]
    public void Where_settings_say_that_there_is_no_switch_no_format_is_asked_for() =>
        new DialectBench("\"Dialect\": \"fal-ai\", \"Parameters\": { \"Format\": \"\" }").Order("""{"inputs":"a fox"}""").Body.ShouldBe("""{"prompt":"a fox"}""");

    [Fact]
    public void Rules_of_the_model_there_win_over_those_of_the_upstream_and_these_over_the_dialects()
    {
        var bench = new DialectBench(
            """ "Dialect": "openai-images", "Parameters": { "Remove": [ "guidance_scale", "scheduler" ], "Maximum": { "num_inference_steps": 50 }, "Size": "WidthAndHeight", "Rename": { "num_inference_steps": "steps" }, "Set": { "safe": "True", "quality": "3", "style": "none" } } """,
            """ "Parameters": { "Maximum": { "num_inference_steps": 4 }, "Default": { "num_inference_steps": 4, "width": 512, "height": 512 }, "Rename": { "guidance_scale": "cfg" }, "Set": { "style": "vivid" } } """);

        bench.Order("""{"inputs":"a fox","parameters":{"num_inference_steps":30,"guidance_scale":2,"scheduler":"k","num_images_per_prompt":4,"seed":null}}""").Body
            .ShouldBe("""{"model":"a/b","response_format":"b64_json","prompt":"a fox","width":512,"height":512,"steps":4,"cfg":2,"quality":3,"safe":true,"style":"vivid"}""");
        bench.Order("""{"inputs":"a fox"}""").Body.ShouldContain("\"steps\":4");
    }

    [Theory]
    [InlineData("fal-ai", "", """{"inputs":"a fox","parameters":{"width":1024}}""", "'height' is missing")]
    [InlineData("fal-ai", "", """{"inputs":"a fox","parameters":{"width":1024,"height":"tall"}}""", "'height' must be a whole number of pixels, 1 to 65536; it is a string of 4 characters")]
    [InlineData("fal-ai", "", """{"inputs":"a fox","parameters":{"width":0,"height":64}}""", "'width' must be a whole number of pixels")]
    [InlineData("fal-ai", "", """{"inputs":"a fox","parameters":{"width":10.5,"height":64}}""", "'width' must be a whole number of pixels")]
    [InlineData("fal-ai", "\"Maximum\": { \"width\": 1024 }", """{"inputs":"a fox","parameters":{"width":1536,"height":64}}""", "'width' is 1536, and this model's upstream makes 1024 at the most")]
    [InlineData("replicate", "", """{"inputs":"a fox","parameters":{"width":1000,"height":1000}}""", "1000x1000, which this model's upstream does not make; it makes 1024x1024, 1344x768")]
    [InlineData("wavespeed", "\"Size\": \"None\"", """{"inputs":"a fox","parameters":{"width":1000,"height":1000}}""", "cannot be chosen")]
    [InlineData("fal-ai", "\"Refuse\": [ \"lora\" ]", """{"inputs":"a fox","parameters":{"lora":"x"}}""", "'lora' is not taken for this model by there")]
    [InlineData("fal-ai", "\"Maximum\": { \"strength\": 1 }", """{"inputs":"a fox","parameters":{"strength":"very"}}""", "'strength' must be a number")]
    [InlineData("fal-ai", "", """{"inputs":{"prompt":"a fox"},"parameters":{"prompt":"a dog"}}""", "'prompt' is there twice")]
    [InlineData("fal-ai", "", """{"inputs":{"seed":1,"prompt":"a fox"},"parameters":{"seed":2}}""", "'seed' is there twice")]
    [InlineData("fal-ai", "", """{"inputs":"a fox","parameters":{"target_size":{"width":64,"height":64,"num_inference_steps":500}}}""", "'target_size' must be an object of 'width' and 'height' alone")]
    [InlineData("fal-ai", "", """{"inputs":["a fox"]}""", "'inputs' must be a prompt, a picture in base64 or an object; it is an array of 1")]
    public void What_cannot_be_said_there_is_refused_by_name(string dialect, string rules, string given, string message)
    {
        var bench = new DialectBench($"\"Dialect\": \"{dialect}\", \"Parameters\": {{ {rules} }}");

        Should.Throw<RefusedParameterException>(() => bench.Order(given)).Message.ShouldContain(message);
    }

    [Theory]
    // As the official client sends image-to-image.
    [InlineData("fal-ai", "\"image\": \"image_url\"", $$$"""{"inputs":"{{{Png}}}","parameters":{"prompt":"a hat"}}""", $$$"""{"prompt":"a hat","image_url":"data:image/png;base64,{{{Png}}}","output_format":"png"}""")]
    [InlineData("fal-ai", "\"image\": \"image_urls[]\"", $$$"""{"inputs":"{{{Jpeg}}}","parameters":{"prompt":"a hat"}}""", $$$"""{"prompt":"a hat","image_urls":["data:image/jpeg;base64,{{{Jpeg}}}"],"output_format":"png"}""")]
    // As the backend sends inpainting, ControlNet and PhotoMaker.
    [InlineData("fal-ai", "\"image\": \"image_url\", \"mask\": \"mask_url\"", $$$"""{"inputs":{"image":"{{{Png}}}","mask":"{{{Jpeg}}}"},"parameters":{"prompt":"a hat"}}""", $$$"""{"prompt":"a hat","image_url":"data:image/png;base64,{{{Png}}}","mask_url":"data:image/jpeg;base64,{{{Jpeg}}}","output_format":"png"}""")]
    [InlineData("fal-ai", "\"control_image\": \"control_image_url\"", """{"inputs":"a dancer","parameters":{"control_image":"data:image/webp;base64,UklGRg=="}}""", """{"prompt":"a dancer","control_image_url":"data:image/webp;base64,UklGRg==","output_format":"png"}""")]
    [InlineData("replicate", "\"input_id_images\": \"photos[]\"", $$$"""{"inputs":{"prompt":"a man img","input_id_images":["{{{Png}}}","{{{Jpeg}}}"]}}""", $$$"""{"input":{"prompt":"a man img","photos":["data:image/png;base64,{{{Png}}}","data:image/jpeg;base64,{{{Jpeg}}}"],"output_format":"png"}}""")]
    [InlineData("wavespeed", "\"image\": \"image\"", $$$$"""{"inputs":"data:image/png;base64,{{{{Png}}}}","parameters":{"prompt":"a hat","target_size":{"width":512,"height":640}}}""", $$$$"""{"prompt":"a hat","size":"512*640","image":"{{{{Png}}}}","output_format":"png"}""")]
    public void Pictures_go_where_settings_say_in_the_form_that_is_taken_there(string dialect, string pictures, string given, string body)
    {
        var bench = new DialectBench($"\"Dialect\": \"{dialect}\"", $"\"Pictures\": {{ {pictures} }}");

        bench.Order(given).Body.ShouldBe(body);
    }

    [Theory]
    [InlineData("", $$$"""{"inputs":"{{{Png}}}","parameters":{"prompt":"a hat"}}""", "makes images of words alone at there, which serves it; the request brings a picture ('image')")]
    [InlineData("\"image\": \"image_url\"", $$$"""{"inputs":{"image":"{{{Png}}}","mask":"{{{Png}}}"}}""", "'mask' is not taken for this model by there, which serves it; pictures that it takes: image.")]
    [InlineData("\"input_id_images\": \"photo\"", $$$"""{"inputs":{"input_id_images":["{{{Png}}}","{{{Png}}}"]}}""", "'input_id_images' must be one picture for this model's upstream; there are 2")]
    [InlineData("\"image\": \"image_url\"", """{"inputs":{"image":"https://example.org/a.png"}}""", "'image' must be a PNG, JPEG, WebP or GIF in base64")]
    [InlineData("\"image\": \"image_url\"", """{"inputs":{"image":7}}""", "it is a number")]
    public void A_picture_that_cannot_go_there_is_refused_plainly(string pictures, string given, string message)
    {
        var bench = new DialectBench("\"Dialect\": \"fal-ai\"", $"\"Pictures\": {{ {pictures} }}");

        Should.Throw<RefusedParameterException>(() => bench.Order(given)).Message.ShouldContain(message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(3072)]
    [InlineData(3073)]
    [InlineData(100_000)]
    public void A_picture_that_is_the_whole_body_arrives_byte_for_byte(int length)
    {
        var picture = new byte[length + 8];
        new Random(length).NextBytes(picture);
        Convert.FromBase64String("iVBORw0KGgo=").CopyTo(picture, 0);

        var body = new DialectBench("\"Dialect\": \"fal-ai\"", "\"Pictures\": { \"image\": \"image_url\" }").Order(picture, "image/png", "image/png").Body;

        body.ShouldBe($$"""{"image_url":"data:{{(length < 24 ? "application/octet-stream" : "image/png")}};base64,{{Convert.ToBase64String(picture)}}","output_format":"png"}""");
    }

    [Theory]
    [InlineData("iVBORw0KGgo is how a PNG begins, in base64, they say")]
    [InlineData("/9j/ the road to the sea, at dusk, with gulls")]
    [InlineData("data: a lighthouse")]
    [InlineData("UklGR")]
    public void A_prompt_is_not_taken_for_a_picture(string prompt) =>
        new DialectBench("\"Dialect\": \"fal-ai\"").Order($$"""{"inputs":"{{prompt}}"}""").Body.ShouldContain($"\"prompt\":\"{prompt}\"");
}
