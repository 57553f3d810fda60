using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>With <c>Cache:Unseeded: RetryOnly</c>, a request without a seed means a new image, unless its user never received the last one.</summary>
public sealed class UnseededTests : IAsyncLifetime
{
    private const string Unseeded = """{"inputs":"a lighthouse"}""";

    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await TestGateway.StartAsync(_huggingFace, "Cache:Unseeded=RetryOnly", $"Models:Catalog:{TestGateway.Sd3}:CacheFor=00:00:00");
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
    }

    [Theory]
    [InlineData(Unseeded)]
    [InlineData("""{"inputs":"a lighthouse","parameters":{"seed":null}}""")]
    public async Task Every_request_without_a_seed_makes_a_new_image(string body)
    {
        foreach (var user in new[] { "anna", "ben", "anna" })
        {
            var answer = await AskAsync(user, body);
            answer.Header("X-Cache").ShouldBe("MISS");
            answer.Header("Cache-Status").ShouldBe("lumiku; fwd=miss");
        }

        _huggingFace.Received.Count.ShouldBe(3);
    }

    [Theory]
    [InlineData("""{"inputs":"a lighthouse","parameters":{"seed":7}}""")]
    [InlineData("""{"inputs":{"prompt":"a lighthouse","seed":7}}""")]
    public async Task With_a_seed_it_is_the_same_image_for_all(string body)
    {
        _huggingFace.Behave("*", Misbehaviour.ChunkedWhole); // Whatever it is asked for.

        (await AskAsync("anna", body)).Header("X-Cache").ShouldBe("MISS");
        (await AskAsync("ben", body)).Header("X-Cache").ShouldBe("HIT");
    }

    [Theory]
    [InlineData(TestGateway.Dev, Unseeded)]
    [InlineData(TestGateway.Sd3, """{"inputs":"a lighthouse","parameters":{"seed":7}}""")] // Its images are not kept for others.
    public async Task Who_left_before_the_image_was_there_finds_it_once_and_for_nothing(string model, string body)
    {
        await LeaveAsync("anna", model, body);

        (await AskAsync("ben", body, model)).Header("X-Cache").ShouldBe("MISS");
        var retry = await AskAsync("anna", body, model);
        retry.ShouldBeAnImage();
        retry.Header("X-Cache").ShouldBe("HIT");
        retry.Header("X-Lumiku-Units").ShouldBe("0");
        _huggingFace.Received.Count.ShouldBe(2);
        (await AskAsync("anna", body, model)).Header("X-Cache").ShouldBe("MISS");
    }

    [Fact]
    public async Task Those_who_wait_at_the_same_time_share_it()
    {
        _huggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(TimeSpan.FromMilliseconds(300)));

        var answers = await Task.WhenAll(AskAsync("anna", Unseeded), AskAsync("ben", Unseeded), AskAsync("carl", Unseeded));

        answers.Select(answer => answer.Header("X-Cache")).Order(StringComparer.Ordinal).ShouldBe(["COALESCED", "COALESCED", "MISS"]);
        _huggingFace.Received.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Who_left_and_came_back_in_time_has_received_it_and_gets_a_new_one_next()
    {
        _huggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(TimeSpan.FromMilliseconds(500)));
        using var leaving = new CancellationTokenSource();
        var first = AskAsync("anna", Unseeded, cancellationToken: leaving.Token);
        await Eventually.BeAsync(() => _huggingFace.Received.Count == 1, "upstream was asked");
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(first);

        (await AskAsync("anna", Unseeded)).Header("X-Cache").ShouldBeOneOf("COALESCED", "HIT");
        _huggingFace.Received.Count.ShouldBe(1);

        (await AskAsync("anna", Unseeded)).Header("X-Cache").ShouldBe("MISS");
    }

    private async Task LeaveAsync(string user, string model, string body)
    {
        _huggingFace.BehaveNext(Misbehaviour.Delay(TimeSpan.FromMilliseconds(300)));
        using var leaving = new CancellationTokenSource();
        var asking = AskAsync(user, body, model, leaving.Token);
        await Eventually.BeAsync(() => _huggingFace.Received.Count == 1, "upstream was asked");
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asking);
        await Eventually.BeAsync(() => _gateway.Services.GetRequiredService<RunningGenerations>().Count == 0, "the generation ended");
    }

    private async Task<Answer> AskAsync(string user, string body, string model = TestGateway.Dev, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json(body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", user);
        request.Headers.Add("X-Lumiku-Tier", "pro");
        return await Answer.ReadAsync(await _gateway.Client.SendAsync(request, cancellationToken));
    }
}
