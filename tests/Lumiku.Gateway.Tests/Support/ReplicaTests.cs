using Lumiku.HuggingFace.Simulator;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Tests of several gateways that share a Redis of their own, and a simulator on a standing clock.</summary>
public abstract class ReplicaTests : Xunit.IAsyncLifetime
{
    /// <summary>For how long the simulator renders, by its clock, where a test asks it to.</summary>
    private protected static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);

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

    public async ValueTask DisposeAsync()
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

        return await Answer.ReadAsync(await Replicas[replica].Client.SendAsync(request, leaving));
    }

    /// <summary>So many pictures wait for the simulator's clock.</summary>
    private protected Task ShouldRenderAsync(int pictures) =>
        Eventually.BeAsync(() => UpstreamTime.Waiting == pictures, $"{pictures} pictures are being made; it was {UpstreamTime.Waiting}");
}
