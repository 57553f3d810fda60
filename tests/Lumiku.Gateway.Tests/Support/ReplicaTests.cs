using Lumiku.HuggingFace.Simulator;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Tests of several gateways that share a Redis of their own, and a simulator on a standing clock.</summary>
public abstract class ReplicaTests : Xunit.IAsyncLifetime
{
    /// <summary>For how long the simulator renders, by its clock, where a test asks it to.</summary>
    private protected static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);

    private const int Workers = 24;

    private int _body;

    private protected List<TestGateway> Replicas { get; } = [];

    /// <summary>The simulator's clock.</summary>
    private protected ManualTime UpstreamTime { get; } = new();

    private protected RedisServer Redis { get; private set; } = null!;

    /// <summary>By which the replicas reach that Redis.</summary>
    private protected FaultProxy Wire { get; private set; } = null!;

    private protected HuggingFaceSimulator HuggingFace { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Redis = await RedisServer.StartAsync();
        Wire = new FaultProxy(Redis.Port);
        HuggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = UpstreamTime });
    }

    public virtual async ValueTask DisposeAsync()
    {
        await HuggingFace.DisposeAsync(); // First, so that nothing is waited for.
        foreach (var replica in Replicas)
        {
            await replica.DisposeAsync();
        }

        await Wire.DisposeAsync();
        await Redis.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc cref="Replica.StartAsync(HuggingFaceSimulator, int, bool, string[])" path="/param"/>
    private protected async Task StartAsync(int replicas, bool isPatient, params string[] settings)
    {
        for (var i = 0; i < replicas; i++)
        {
            Replicas.Add(await Replica.StartAsync(HuggingFace, Wire.Port, isPatient, settings));
        }
    }

    private protected async Task<Answer> AskAsync(
        int replica, string user, string body = FlightBench.Body, string? tier = null, string model = TestGateway.Sd3, string? cacheControl = null, CancellationToken leaving = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json(body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", user);
        if (tier is not null)
        {
            request.Headers.Add("X-Lumiku-Tier", tier);
        }

        if (cacheControl is not null)
        {
            request.Headers.Add("Cache-Control", cacheControl);
        }

        return await Answer.ReadAsync(await ClientOf(replica).SendAsync(request, leaving));
    }

    private protected virtual HttpClient ClientOf(int replica) => Replicas[replica].Client;

    /// <summary>24 workers ask, each at its replica, until they are refused.</summary>
    /// <param name="body">Null: a picture that nobody asked for before.</param>
    /// <param name="refusals">The first ends a worker; it tries again after the others.</param>
    /// <returns>How many requests got their picture.</returns>
    private protected async Task<int> PassAsync(int replicas, string user, string? body, params string[] refusals)
    {
        var passed = 0;
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            while (true)
            {
                var answer = await AskAsync(worker % replicas, user, body ?? NewBody());
                if ((int)answer.Status == 200)
                {
                    Interlocked.Increment(ref passed);
                    continue;
                }

                var type = answer.ErrorType;
                refusals.ShouldContain(type, answer.Error);
                if (type == refusals[0])
                {
                    return;
                }
            }
        }));
        return passed;
    }

    private protected string NewBody() => $$"""{"inputs":"heron {{Interlocked.Increment(ref _body)}}"}""";

    /// <summary>So many pictures wait for the simulator's clock.</summary>
    private protected Task ShouldRenderAsync(int pictures) =>
        Eventually.BeAsync(() => UpstreamTime.Waiting == pictures, $"{pictures} pictures are being made; it was {UpstreamTime.Waiting}");
}
