using System.Text;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>What is kept and for how long, and what a caller may say about it.</summary>
public sealed class KeptImagesTests : IAsyncLifetime
{
    private const string Body = """{"inputs":"a lighthouse","parameters":{"seed":7}}""";

    /// <summary>Not in the shipped catalog.</summary>
    private const string Unlisted = "stabilityai/stable-diffusion-2-1";

    private HuggingFaceSimulator _huggingFace = null!;

    public async ValueTask InitializeAsync() => _huggingFace = await HuggingFaceSimulator.StartAsync();

    public ValueTask DisposeAsync() => _huggingFace.DisposeAsync();

    [Theory]
    [InlineData(TestGateway.Dev, 7)]
    [InlineData(TestGateway.Schnell, 7)]
    [InlineData(TestGateway.Xl, 1)] // Listed, and says nothing.
    [InlineData(Unlisted, 1)]
    public async Task With_the_shipped_settings_an_image_is_kept_for_so_many_days_to_the_second(string model, int days)
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(_huggingFace, time);
        await gateway.GenerateAsync(model, Body);

        time.Advance(TimeSpan.FromDays(days) - TimeSpan.FromSeconds(1));
        var last = await gateway.GenerateAsync(model, Body);
        last.Header("Cache-Status").ShouldBe("lumiku; hit; ttl=1");
        last.Header("Age").ShouldBe($"{(days * 86_400) - 1}");

        time.Advance(TimeSpan.FromSeconds(1));
        (await gateway.GenerateAsync(model, Body)).Header("X-Cache").ShouldBe("MISS");
        _huggingFace.Received.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("its ETag")]
    public async Task A_generation_is_never_answered_with_304(string match)
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        var first = await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.TryAddWithoutValidation("If-None-Match", "*"));
        first.ShouldBeAnImage();

        var second = await gateway.GenerateAsync(TestGateway.Dev, Body, change: request =>
            request.Headers.TryAddWithoutValidation("If-None-Match", match == "*" ? match : first.Header("ETag")));

        second.ShouldBeAnImage();
        second.Header("X-Cache").ShouldBe("HIT");
        _huggingFace.Received.ShouldAllBe(request => request.Header("If-None-Match") == null);
    }

    [Theory]
    [InlineData("wrong-type(image/jpeg)", "image/png")]
    [InlineData("wrong-type(text/html)", "image/png")]
    [InlineData("no-content-type", "image/png")]
    [InlineData("ignore-accept-jpeg", "image/jpeg")]
    [InlineData("ignore-accept-webp", "image/webp")]
    public async Task A_whole_image_under_a_wrong_label_is_kept_as_what_it_is(string kind, string mediaType)
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        _huggingFace.BehaveNext(Misbehaviour.Parse(kind));
        var first = await gateway.GenerateAsync(TestGateway.Sd3, Body);

        var second = await gateway.GenerateAsync(TestGateway.Sd3, Body);

        second.ShouldBeAnImage(mediaType);
        second.Header("X-Cache").ShouldBe("HIT");
        second.Body.ShouldBe(first.Body);
        second.Header("ETag").ShouldBe(first.Header("ETag"));
    }

    [Theory]
    [InlineData("empty-500")]
    [InlineData("html-as-png")]
    [InlineData("png-without-end")]
    [InlineData("cut-with-length(1000)")]
    [InlineData("partial-206")]
    public async Task What_is_no_whole_image_is_asked_for_again_at_once_where_failures_are_not_remembered(string kind)
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace, "Generation:FailureMemory=00:00:00");
        _huggingFace.BehaveNext(Misbehaviour.Parse(kind));

        var failed = await gateway.GenerateAsync(TestGateway.Sd3, Body);
        gateway.Services.GetRequiredService<ImageCache>().Bytes.ShouldBe(0);
        var again = await gateway.GenerateAsync(TestGateway.Sd3, Body);

        ((int)failed.Status).ShouldBe(502);
        again.ShouldBeAnImage();
        again.Header("Cache-Status").ShouldBe("lumiku; fwd=miss; stored");
        _huggingFace.Received.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("no-store, max-age=soon")]
    [InlineData("private, no-store")]
    [InlineData("no-store, what is this")]
    [InlineData("no-cache, no-store")]
    public async Task No_store_counts_whatever_is_said_beside_it(string value)
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);

        var answer = await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.TryAddWithoutValidation("Cache-Control", value));

        answer.Header("X-Cache").ShouldBe("BYPASS");
        gateway.Services.GetRequiredService<ImageCache>().Count.ShouldBe(0);
    }

    [Theory]
    [InlineData("Cache-Control", "max-age=0")]
    [InlineData("Cache-Control", "no-transform")]
    [InlineData("Cache-Control", "x-no-store")]
    [InlineData("X-Use-Cache", "true")]
    [InlineData("Pragma", "no-cache")]
    public async Task Whatever_else_is_said_a_kept_image_will_do(string header, string value)
    {
        await using var gateway = await TestGateway.StartAsync(_huggingFace);
        await gateway.GenerateAsync(TestGateway.Dev, Body);

        var answer = await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.TryAddWithoutValidation(header, value));

        answer.Header("X-Cache").ShouldBe("HIT", Encoding.UTF8.GetString(answer.Body.AsSpan(0, Math.Min(200, answer.Body.Length))));
    }

    [Fact]
    public async Task A_bypass_leaves_the_kept_image_as_it_was()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(_huggingFace, time);
        await gateway.GenerateAsync(TestGateway.Dev, Body);
        time.Advance(TimeSpan.FromSeconds(10));

        await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.TryAddWithoutValidation("Cache-Control", "no-store"));
        var kept = await gateway.GenerateAsync(TestGateway.Dev, Body);
        kept.Header("Age").ShouldBe("10");

        await gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.TryAddWithoutValidation("Cache-Control", "no-cache"));
        (await gateway.GenerateAsync(TestGateway.Dev, Body)).Header("Age").ShouldBe("0", "the newer image took its place");
        _huggingFace.Received.Count.ShouldBe(3);
    }
}
