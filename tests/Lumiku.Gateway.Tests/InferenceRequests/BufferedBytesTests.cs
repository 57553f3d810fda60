using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.InferenceRequests;

/// <summary>All bodies together stay within <c>Limits:BufferedBytes</c>, and nobody but the large ones notices. A model with a fallback holds a body for each of the two.</summary>
public class BufferedBytesTests
{
    private static readonly TimeSpan Rendering = TimeSpan.FromMilliseconds(600);

    [Fact]
    public async Task A_large_body_that_finds_no_room_in_five_seconds_is_429_and_small_ones_go_on_meanwhile()
    {
        await using var bench = await StartAsync();
        var first = bench.AskAsync(Large('a'));
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        bench.Taken.ShouldBeInRange(180_000, 190_000, "what goes upstream is held, what was read is not");

        var second = bench.AskAsync(Large('b'));
        await ShouldWaitForRoomAsync(bench, large: 1);
        bench.Time.Advance(TimeSpan.FromSeconds(4.9));
        FlightBench.ShouldBeBy(await bench.AskAsync(model: TestGateway.Schnell), "MISS", units: 1);
        second.IsCompleted.ShouldBeFalse();
        bench.Time.Advance(TimeSpan.FromSeconds(0.1));

        var refused = await second;
        refused.ShouldBe(429, "too-many-at-once");
        refused.Header("Retry-After").ShouldBe("5");
        bench.UpstreamTime.Advance(Rendering);
        (await first).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_large_body_goes_on_once_another_has_ended()
    {
        await using var bench = await StartAsync();
        var first = bench.AskAsync(Large('a'));
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        var second = bench.AskAsync(Large('b'));
        await ShouldWaitForRoomAsync(bench, large: 1);

        bench.UpstreamTime.Advance(Rendering);

        (await first).ShouldBeAnImage();
        await Eventually.BeAsync(() => bench.Calls == 2, "the second one went upstream");
        await bench.ShouldRenderAsync(1);
        bench.UpstreamTime.Advance(Rendering);
        (await second).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_caller_who_left_holds_its_place_for_upstreams_body_to_the_generations_end()
    {
        await using var bench = await StartAsync();
        using var leaving = new CancellationTokenSource();
        var leaver = bench.AskAsync(Large('a'), leaving: leaving.Token);
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);

        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(0);

        await Should.ThrowAsync<OperationCanceledException>(leaver);
        bench.Taken.ShouldBeInRange(180_000, 190_000);
        bench.UpstreamTime.Advance(Rendering);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_caller_who_leaves_while_it_waits_for_room_takes_none()
    {
        await using var bench = await StartAsync();
        using var leaving = new CancellationTokenSource();
        var first = bench.AskAsync(Large('a'));
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        var leaver = bench.AskAsync(Large('b'), leaving: leaving.Token);
        await ShouldWaitForRoomAsync(bench, large: 1);

        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(1);
        bench.UpstreamTime.Advance(Rendering);

        await Should.ThrowAsync<OperationCanceledException>(leaver);
        (await first).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
        bench.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task Who_only_waits_for_anothers_generation_holds_no_body()
    {
        await using var bench = await StartAsync();
        var body = Body('a', 20_000);
        var asking = new List<Task<Answer>> { bench.AskAsync(body) };
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        var taken = bench.Taken;
        taken.ShouldBeInRange(40_000, 42_000);

        for (var i = 2; i <= 10; i++)
        {
            asking.Add(bench.AskAsync(body));
            await bench.ShouldWaitAsync(i);
            bench.Taken.ShouldBe(taken);
        }

        bench.UpstreamTime.Advance(Rendering);
        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
        bench.Calls.ShouldBe(1);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_body_of_unknown_length_takes_room_as_it_grows()
    {
        await using var bench = await StartAsync();
        bench.HuggingFace.BehaveWell();
        using var content = new Upload();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}") { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        request.Headers.TransferEncodingChunked = true;
        var asking = bench.Gateway.SendAsync(request);

        await content.SendAsync("""{"inputs":" """);
        await Eventually.BeAsync(() => bench.Taken == 8192, "the least is taken");
        foreach (var sent in new[] { 10_000, 30_000, 60_000 })
        {
            await content.SendAsync(new string('a', sent - content.Sent));
            await Eventually.BeAsync(() => bench.Taken >= 2 * sent, $"{sent} bytes are counted twice");
            bench.Taken.ShouldBeLessThanOrEqualTo(4 * sent);
        }

        await content.SendAsync("\"}");
        content.End();
        (await asking).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task A_body_of_unknown_length_that_finds_no_more_room_is_429_and_gives_back_what_it_had()
    {
        await using var bench = await StartAsync();
        var first = bench.AskAsync(Large('a'));
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(1);
        var taken = bench.Taken;
        using var content = new Upload();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}") { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        request.Headers.TransferEncodingChunked = true;
        var asking = bench.Gateway.SendAsync(request);

        await content.SendAsync("""{"inputs":" """ + new string('a', 80_000));
        await content.SendAsync("\"}");
        content.End();
        await ShouldWaitForRoomAsync(bench, large: 1);
        bench.Taken.ShouldBeGreaterThan(taken);
        bench.Time.Advance(TimeSpan.FromSeconds(5));

        (await asking).ShouldBe(429, "too-many-at-once");
        await Eventually.BeAsync(() => bench.Taken == taken, "it gives back all that it had");
        bench.UpstreamTime.Advance(Rendering);
        (await first).ShouldBeAnImage();
        await bench.ShouldEndEmptyAsync();
    }

    [Theory]
    [InlineData("broken JSON", 400)]
    [InlineData("too large", 413)]
    public async Task A_body_that_is_refused_gives_its_room_back(string kind, int status)
    {
        await using var bench = await StartAsync();

        var answer = await bench.AskAsync(kind == "too large" ? Body('a', 150_000) : Large('a')[..^1]);

        answer.Status.ShouldBe((HttpStatusCode)status);
        await bench.ShouldEndEmptyAsync();
    }

    [Fact]
    public async Task Less_than_twice_the_largest_body_is_refused_at_the_start_and_names_both_keys()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();

        var refusal = await Should.ThrowAsync<SettingsException>(
            () => TestGateway.StartAsync(huggingFace, "Limits:RequestBodyBytes=100000", "Limits:BufferedBytes=199999"));

        refusal.Mistakes.ShouldHaveSingleItem();
        refusal.Message.ShouldContain("Limits:BufferedBytes");
        refusal.Message.ShouldContain("Limits:RequestBodyBytes");
    }

    /// <summary>One caller waits for its generation, and the large ones for room, each with a time.</summary>
    private static Task ShouldWaitForRoomAsync(FlightBench bench, int large) => bench.ShouldWaitAsync(callers: 1 + large);

    private static string Large(char letter) => Body(letter, 90_000);

    private static string Body(char letter, int length) => $$"""{"inputs":"{{new string(letter, length)}}"}""";

    private static async Task<FlightBench> StartAsync()
    {
        var bench = await FlightBench.StartAsync("Limits:RequestBodyBytes=100000", "Limits:BufferedBytes=200000");
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(Rendering));
        return bench;
    }

    /// <summary>A body that is sent as the test says.</summary>
    private sealed class Upload : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Upload() => Headers.ContentType = new MediaTypeHeaderValue("application/json");

        public int Sent { get; private set; }

        public async Task SendAsync(string text)
        {
            var stream = await _stream.Task;
            await stream.WriteAsync(Encoding.UTF8.GetBytes(text));
            await stream.FlushAsync();
            Sent += text.Length;
        }

        public void End() => _end.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            _stream.SetResult(stream);
            await _end.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
