using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Shouldly;

namespace Lumiku.Gateway.Tests.Health;

/// <summary>Callers of a balancer, each with connections of its own that it keeps, who ask without an end. What becomes of every request is remembered.</summary>
/// <remarks>Some ask for a kept picture, some for a new one that is made quickly, some in pairs for the same one that takes long; one looks at a model.</remarks>
internal sealed class SteadyLoad(Uri balancer)
{
    private readonly ConcurrentQueue<string> _lost = [];
    private int _requests;
    private int _generations;
    private int _units;
    private long _longestMs;

    /// <summary>What was asked for and did not come whole, each with what came instead.</summary>
    public IReadOnlyCollection<string> Lost => _lost;

    public int Requests => _requests;

    /// <summary>Different pictures that were asked for.</summary>
    public int Generations => _generations;

    /// <summary>Charged, by the answers' own word.</summary>
    public int Units => _units;

    public TimeSpan Longest => TimeSpan.FromMilliseconds(_longestMs);

    /// <param name="enough">Nothing is asked from then on; what has been asked is waited for.</param>
    public async Task RunAsync(CancellationToken enough)
    {
        Interlocked.Increment(ref _generations);
        await AskAsync(NewClient(), TestGateway.Sd3, "kept");
        await Task.WhenAll(
        [
            .. Enumerable.Range(0, 3).Select(_ => RepeatAsync(client => AskAsync(client, TestGateway.Sd3, "kept"), pauseMs: 20, enough)),
            .. Enumerable.Range(0, 2).Select(_ => RepeatAsync(client => AskAsync(client, TestGateway.Schnell, NewPrompt()), pauseMs: 20, enough)),
            .. Enumerable.Range(0, 3).Select(_ => RepeatAsync(AskTwiceAsync, pauseMs: 0, enough)),
            RepeatAsync(LookAsync, pauseMs: 50, enough),
        ]);
    }

    private async Task RepeatAsync(Func<HttpClient, Task> ask, int pauseMs, CancellationToken enough)
    {
        using var client = NewClient();
        while (!enough.IsCancellationRequested)
        {
            await ask(client);
            await Task.Delay(TimeSpan.FromMilliseconds(pauseMs), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Two at the same time, for one generation.</summary>
    private async Task AskTwiceAsync(HttpClient client)
    {
        var prompt = NewPrompt();
        var pictures = await Task.WhenAll(AskAsync(client, TestGateway.Dev, prompt), AskAsync(client, TestGateway.Dev, prompt));
        if (pictures is [{ } one, { } other] && !one.AsSpan().SequenceEqual(other))
        {
            _lost.Enqueue($"{prompt}: two pictures of one generation are different");
        }
    }

    private string NewPrompt() => $"heron {Interlocked.Increment(ref _generations)}";

    /// <returns>The picture; null where it did not come.</returns>
    private Task<byte[]?> AskAsync(HttpClient client, string model, string prompt) => SendAsync(client, HttpMethod.Post, model, prompt, answer =>
    {
        answer.ShouldBeAnImage();
        Interlocked.Add(ref _units, int.Parse(answer.Header("X-Lumiku-Units")));
    });

    private Task LookAsync(HttpClient client) => SendAsync(client, HttpMethod.Get, TestGateway.Xl, prompt: null, answer => answer.Status.ShouldBe(HttpStatusCode.OK));

    private async Task<byte[]?> SendAsync(HttpClient client, HttpMethod method, string model, string? prompt, Action<Answer> check)
    {
        var watch = Stopwatch.StartNew();
        Interlocked.Increment(ref _requests);
        using var request = new HttpRequestMessage(method, $"/models/{model}") { Content = prompt is null ? null : TestGateway.Json($$"""{"inputs":"{{prompt}}"}""") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        try
        {
            var answer = await Answer.ReadAsync(await client.SendAsync(request));
            check(answer);
            HighMark.Raise(ref _longestMs, watch.ElapsedMilliseconds);
            return answer.Body;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException or ShouldAssertException or KeyNotFoundException)
        {
            _lost.Enqueue($"{method} {model} {prompt} after {watch.ElapsedMilliseconds} ms: {exception.Message}");
            return null;
        }
    }

    private HttpClient NewClient() => new() { BaseAddress = balancer, Timeout = TimeSpan.FromMinutes(5) };
}
