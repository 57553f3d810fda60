using System.Collections.Concurrent;
using System.Diagnostics;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary>A trace has the request, the generation that it opened or shared, and each request to upstream.</summary>
[Collection(Alone.Name)]
public sealed class SpanTests : IAsyncLifetime
{
    private const string Canary = "canary-prompt-of-a-heron";

    private readonly ConcurrentQueue<Activity> _ended = [];
    private readonly ActivityListener _listener;
    private readonly ManualTime _upstreamTime = new();

    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;

    public SpanTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Lumiku.Gateway" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public async ValueTask InitializeAsync()
    {
        _huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = _upstreamTime });
        _gateway = await TestGateway.StartAsync(_huggingFace);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
        _listener.Dispose();
    }

    [Fact]
    public async Task Requests_that_share_a_generation_are_linked_to_it_and_it_to_them()
    {
        _huggingFace.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var asking = Enumerable.Range(0, 3).Select(_ => AskAsync("""{"inputs":"a heron"}""")).ToArray();
        await Eventually.BeAsync(() => _upstreamTime.Waiting == 1, "it is being made");
        await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, TestContext.Current.CancellationToken);
        _upstreamTime.Advance(TimeSpan.FromSeconds(1));
        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());

        await Eventually.BeAsync(() => Spans("POST /models/{**model}").Count == 3, "all requests have ended");
        await Eventually.BeAsync(() => Spans("generation").Count > 0, "and so has the generation, a moment after it has answered them");
        var generation = Spans("generation").ShouldHaveSingleItem();
        var opener = Spans("POST /models/{**model}").Single(request => request.SpanId == generation.ParentSpanId);
        var sharers = Spans("POST /models/{**model}").Where(request => request != opener).ToList();
        generation.Links.Select(link => link.Context.SpanId).ShouldBe(sharers.Select(sharer => sharer.SpanId), ignoreOrder: true);
        sharers.ShouldAllBe(sharer => sharer.Links.Single().Context.SpanId == generation.SpanId);
        Tag(opener, "lumiku.cache").ShouldBe("MISS");
        sharers.ShouldAllBe(sharer => Tag(sharer, "lumiku.cache") == "COALESCED");
    }

    [Fact]
    public async Task Each_request_to_upstream_is_a_span_whose_id_upstream_is_told()
    {
        _huggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);

        (await AskAsync("""{"inputs":"a heron"}""", TestGateway.Dev, "pro")).ShouldBeAnImage();

        await Eventually.BeAsync(() => Spans("POST /models/{**model}").Count == 1, "the request has ended");
        var request = Spans("POST /models/{**model}").Single();
        var attempts = Spans("attempt");
        attempts.Count.ShouldBe(2);
        attempts.ShouldAllBe(attempt => attempt.TraceId == request.TraceId && attempt.Kind == ActivityKind.Client);
        _huggingFace.Received.Select(received => received.Header("traceparent")).ShouldBe(attempts.Select(attempt => attempt.Id));
        attempts.Select(attempt => (Tag(attempt, "http.response.status_code"), Tag(attempt, "error.type"), attempt.Status)).ShouldBe([("410", "Gone", ActivityStatusCode.Error), ("200", null, ActivityStatusCode.Unset)]);
        attempts.Select(attempt => Tag(attempt, "gen_ai.request.model")).ShouldBe([TestGateway.Dev, TestGateway.Schnell]);
        (Tag(request, "lumiku.tier"), Tag(request, "http.response.status_code"), Tag(request, "http.route"), Tag(request, "gen_ai.request.model")).ShouldBe(("pro", "200", "/models/{**model}", TestGateway.Schnell));
    }

    [Fact]
    public async Task A_failure_is_one_of_the_spans_too()
    {
        _huggingFace.Behave("*", Misbehaviour.Empty500);

        (await AskAsync("""{"inputs":"a heron"}""")).ShouldBe(502, "upstream-failed");

        await Eventually.BeAsync(() => Spans("POST /models/{**model}").Count == 1, "the request has ended");
        var request = Spans("POST /models/{**model}").Single();
        (request.Status, Tag(request, "lumiku.outcome"), Tag(request, "http.response.status_code")).ShouldBe((ActivityStatusCode.Error, "upstream-failed", "502"));
        Spans("attempt").Single().Status.ShouldBe(ActivityStatusCode.Error);
    }

    [Fact]
    public async Task Nothing_of_a_prompt_a_key_or_a_user_is_in_them()
    {
        _huggingFace.BehaveNext(Misbehaviour.UnexpectedKeyword("scheduler"));
        await AskAsync($$"""{"inputs":"{{Canary}}"}""");
        await AskAsync("""{"inputs":"*","parameters":{"negative_prompt":"*"}}""".Replace("*", Canary, StringComparison.Ordinal));
        await Eventually.BeAsync(() => Spans("POST /models/{**model}").Count == 2, "the requests have ended");

        foreach (var span in _ended)
        {
            var text = string.Join(' ', span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}").Concat(span.Baggage.Select(item => $"{item}")).Append(span.DisplayName).Append(span.StatusDescription));
            text.ShouldNotContain(Canary);
            text.ShouldNotContain(TestGateway.BackendKey);
            text.ShouldNotContain(TestGateway.UpstreamToken);
            text.ShouldNotContain("user-1");
        }
    }

    private Task<Answer> AskAsync(string body, string model = TestGateway.Sd3, string tier = "free") => _gateway.GenerateAsync(model, body, tier);

    private List<Activity> Spans(string name) => [.. _ended.Where(span => span.DisplayName == name)];

    private static string? Tag(Activity span, string name) => span.GetTagItem(name)?.ToString();
}
