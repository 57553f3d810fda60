using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Hugging Face's Hub, as far as it tells who serves a model. Of others it says what it says to strangers: 401.</summary>
public sealed class FakeHub : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _requests = [];
    private readonly WebApplication _app;
    private int _running;

    private FakeHub(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    /// <summary>By a model's id, how it is answered.</summary>
    public Dictionary<string, Func<HttpContext, Task>> Answers { get; } = [];

    /// <summary>Each one's target, and its headers' names behind it.</summary>
    public IReadOnlyList<string> Requests => [.. _requests];

    /// <summary>How many were answered at the same time.</summary>
    public int MostAtOnce { get; private set; }

    public static async Task<FakeHub> StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var hub = new FakeHub(app);
        app.Map("/api/models/{**id}", hub.AnswerAsync);
        await app.StartAsync();
        return hub;
    }

    /// <param name="mapping">The value of <c>inferenceProviderMapping</c>.</param>
    public void Say(string model, string mapping) => SayRaw(model, $$"""{"_id":"1","id":"{{model}}","inferenceProviderMapping":{{mapping}}}""");

    public void SayRaw(string model, string body) => Answers[model] = context => context.Response.WriteAsync(body);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context, string id)
    {
        MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref _running));
        _requests.Enqueue($"{context.Request.Method} {context.Request.Path}{Uri.UnescapeDataString(context.Request.QueryString.Value!)} {string.Join(' ', context.Request.Headers.Keys.Order(StringComparer.Ordinal))}");
        if (Answers.TryGetValue(id, out var answer))
        {
            await answer(context);
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        }

        Interlocked.Decrement(ref _running);
    }
}
