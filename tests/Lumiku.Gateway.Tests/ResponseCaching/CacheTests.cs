using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>An image that was made is there for whoever asks the same, and for nobody else.</summary>
public sealed class CacheTests : IAsyncLifetime
{
    private const string Body = """{"inputs":"a lighthouse","parameters":{"seed":7,"width":512}}""";

    private HuggingFaceSimulator _huggingFace = null!;

    public async ValueTask InitializeAsync() => _huggingFace = await HuggingFaceSimulator.StartAsync();

    public ValueTask DisposeAsync() => _huggingFace.DisposeAsync();

    [Fact]
    public async Task The_second_equal_request_gets_the_same_image_for_nothing()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);

        var first = await gateway.GenerateAsync(TestGateway.Dev, Body);
        var second = await gateway.GenerateAsync(TestGateway.Dev, Body);

        ShouldBe(first, "MISS", units: 1, "lumiku; fwd=miss; stored");
        first.Header("Age").ShouldBe("");
        second.ShouldBeAnImage();
        ShouldBe(second, "HIT", units: 0);
        second.Header("Cache-Status").ShouldBe("lumiku; hit; ttl=604799"); // Seven days, begun.
        second.Header("Age").ShouldBe("0");
        second.Header("ETag").ShouldBe(first.Header("ETag"));
        second.Header("Server-Timing").ShouldContain("cache;dur=");
        second.Header("Server-Timing").ShouldNotContain("upstream");
        second.Body.ShouldBe(first.Body);
        _huggingFace.Received.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("""{ "parameters" : {"width" : 512 , "seed": 7}, "inputs": "a lighthouse" }""")]
    [InlineData("""{"inputs":"\u0061 light\u0068ouse","parameters":{"seed":7,"width":512}}""")]
    public async Task Member_order_white_space_and_escapes_make_no_difference(string other)
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        await gateway.GenerateAsync(TestGateway.Dev, Body);

        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, other), "HIT", units: 0);
    }

    [Theory]
    [InlineData("""{"inputs":"a lighthouse","parameters":{"seed":8,"width":512}}""")]
    [InlineData("""{"inputs":"a lighthouse","parameters":{"seed":7.0,"width":512}}""")]
    [InlineData("""{"inputs":"a lighthouse","parameters":{"seed":7}}""")]
    [InlineData("""{"inputs":"a lighthouse","parameters":{"seed":7,"width":512,"height":null}}""")]
    [InlineData("""{"inputs":"a lighthouse ","parameters":{"seed":7,"width":512}}""")]
    [InlineData("""{"inputs":"a lighthouse","parameters":{"seed":7,"width":512},"x":1}""")]
    public async Task Anything_else_in_the_body_makes_another_image(string other)
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        await gateway.GenerateAsync(TestGateway.Dev, Body);

        (await gateway.GenerateAsync(TestGateway.Dev, other)).Header("X-Cache").ShouldNotBe("HIT");
        _huggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Another_model_or_media_type_is_another_image()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        await gateway.GenerateAsync(TestGateway.Dev, Body);

        ShouldBe(await gateway.GenerateAsync(TestGateway.Sd3, Body), "MISS", units: 1);
        var jpeg = await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.TryAddWithoutValidation("Accept", "image/jpeg"));
        ShouldBe(jpeg, "MISS", units: 1);
        jpeg.ShouldBeAnImage("image/jpeg");
    }

    [Fact]
    public async Task It_is_the_serving_model_that_counts()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        const string Steps = """{"inputs":"a lighthouse","parameters":{"num_inference_steps":4,"seed":7}}""";
        await gateway.GenerateAsync(TestGateway.Schnell, Steps, "basic");

        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, """{"inputs":"a lighthouse","parameters":{"guidance_scale":3.5,"num_inference_steps":30,"seed":7}}""", "free"), "HIT", units: 0);
        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, Steps, "pro"), "MISS", units: 1);
    }

    [Theory]
    [InlineData("Cache-Control", "no-store")]
    [InlineData("Cache-Control", "max-age=0, No-Store")]
    [InlineData("Cache-Control", "no-store, max-age=soon")] // What is malformed beside it hides nothing.
    [InlineData("Cache-Control", "what is this,no-store")]
    [InlineData("X-Use-Cache", "false")]
    [InlineData("X-Use-Cache", "0")]
    public async Task Who_wants_nothing_kept_neither_reads_nor_writes(string header, string value)
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        void Bypass(HttpRequestMessage request) => request.Headers.TryAddWithoutValidation(header, value);

        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, Body, change: Bypass), "BYPASS", units: 1, "lumiku; fwd=bypass");
        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, Body), "MISS", units: 1);
        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, Body, change: Bypass), "BYPASS", units: 1);
        _huggingFace.Received.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Who_wants_no_kept_image_has_it_made_anew_and_kept()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        await gateway.GenerateAsync(TestGateway.Dev, Body);

        var anew = await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.TryAddWithoutValidation("Cache-Control", "no-cache"));

        ShouldBe(anew, "MISS", units: 1, "lumiku; fwd=request; stored");
        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, Body), "HIT", units: 0);
        _huggingFace.Received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task An_image_is_kept_as_long_as_its_model_says()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(_huggingFace, time, $"Models:Catalog:{TestGateway.Sd3}:CacheFor=01:00:00", $"Models:Catalog:{TestGateway.Xl}:CacheFor=00:00:00");
        await gateway.GenerateAsync(TestGateway.Sd3, Body);
        await gateway.GenerateAsync(TestGateway.Xl, Body);

        time.Advance(TimeSpan.FromMinutes(59));
        var late = await gateway.GenerateAsync(TestGateway.Sd3, Body);
        ShouldBe(late, "HIT", units: 0, "lumiku; hit; ttl=60");
        late.Header("Age").ShouldBe("3540");
        time.Advance(TimeSpan.FromMinutes(1));
        ShouldBe(await gateway.GenerateAsync(TestGateway.Sd3, Body), "MISS", units: 1);
        ShouldBe(await gateway.GenerateAsync(TestGateway.Xl, Body), "MISS", units: 1, "lumiku; fwd=miss");
    }

    [Fact]
    public async Task With_the_scope_User_each_has_images_of_their_own()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace, "Cache:Scope=User");
        Task<Answer> AskAsync(string? user) => gateway.GenerateAsync(TestGateway.Dev, Body, change: request =>
        {
            if (user is not null)
            {
                request.Headers.Add("X-Lumiku-User", user);
                request.Headers.Add("X-Lumiku-Tier", "pro");
            }
        });

        ShouldBe(await AskAsync("anna"), "MISS", units: 1);
        ShouldBe(await AskAsync("ben"), "MISS", units: 1);
        ShouldBe(await AskAsync("anna"), "HIT", units: 0);
        ShouldBe(await AskAsync("backend"), "MISS", units: 1);
        ShouldBe(await AskAsync(user: null), "MISS", units: 1); // The caller named backend itself.
        ShouldBe(await AskAsync(user: null), "HIT", units: 0);
    }

    [Fact]
    public async Task An_error_is_not_kept()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace, "Generation:FailureMemory=00:00:00");
        _huggingFace.BehaveNext(Misbehaviour.EchoInError);

        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).Header("X-Cache").ShouldBe("");
        ShouldBe(await gateway.GenerateAsync(TestGateway.Sd3, Body), "MISS", units: 1);
    }

    [Fact]
    public async Task Without_memory_nothing_is_kept()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace, "Cache:MemoryBytes=0");

        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, Body), "MISS", units: 1, "lumiku; fwd=miss");
        ShouldBe(await gateway.GenerateAsync(TestGateway.Dev, Body), "MISS", units: 1);
        gateway.Services.GetRequiredService<ImageCache>().Bytes.ShouldBe(0);
    }

    [Fact]
    public async Task What_is_no_generation_streams_through_untouched()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace, "Models:Catalog:briaai/RMBG-1.4:Output=Json");
        for (var i = 0; i < 2; i++)
        {
            using var look = new HttpRequestMessage(HttpMethod.Get, $"/models/{TestGateway.Dev}");
            look.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
            ShouldBeUntouched(await gateway.SendAsync(look));
            ShouldBeUntouched(await gateway.GenerateAsync("briaai/RMBG-1.4", """{"inputs":"aGVsbG8="}""", change: request => request.Headers.TryAddWithoutValidation("Accept", "application/json")));
        }

        _huggingFace.Received.Count.ShouldBe(4);

        static void ShouldBeUntouched(Answer answer)
        {
            answer.Header("X-Cache").ShouldBe("");
            answer.Header("X-Lumiku-Units").ShouldBe("");
        }
    }

    [Fact]
    public async Task A_picture_sent_as_bytes_is_told_by_its_bytes_and_type()
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        _huggingFace.Behave("*", Misbehaviour.ChunkedWhole); // Whatever it is asked for.
        Task<Answer> AskAsync(string bytes, string type) => gateway.GenerateAsync(TestGateway.Xl, "{}", change: request =>
        {
            request.Content = new ByteArrayContent(Encoding.ASCII.GetBytes(bytes));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        });

        (await AskAsync("one", "image/png")).Header("X-Cache").ShouldBe("MISS");
        (await AskAsync("one", "image/png")).Header("X-Cache").ShouldBe("HIT");
        (await AskAsync("two", "image/png")).Header("X-Cache").ShouldBe("MISS");
        (await AskAsync("one", "image/jpeg")).Header("X-Cache").ShouldBe("MISS");
    }

    private static void ShouldBe(Answer answer, string cache, int units, string? status = null)
    {
        answer.Header("X-Cache").ShouldBe(cache, answer.Headers.ContainsKey("X-Cache") ? null : Encoding.UTF8.GetString(answer.Body));
        answer.Header("X-Lumiku-Units").ShouldBe($"{units}");
        if (status is not null)
        {
            answer.Header("Cache-Status").ShouldBe(status);
        }
    }
}
