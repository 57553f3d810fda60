using Lumiku.Gateway.Redis;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Gateways that share a Redis.</summary>
internal static class Replica
{
    /// <summary>Redis may take as long as it likes: a machine that is busy with tests is no reason to decide without it.</summary>
    public const string Patience = "Redis:CallTimeout=00:00:20";

    /// <summary>Where Redis goes away: what is shipped, four times.</summary>
    private const string Impatience = "Redis:CallTimeout=00:00:00.4";

    /// <param name="port">Of the Redis, or of a wire to it.</param>
    /// <param name="isPatient">With <see cref="Patience"/>.</param>
    public static Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, int port, bool isPatient, params string[] settings) =>
        StartAsync(huggingFace, $"redis://127.0.0.1:{port}", isPatient, settings);

    /// <inheritdoc cref="StartAsync(HuggingFaceSimulator, int, bool, string[])"/>
    public static async Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, string url, bool isPatient, params string[] settings)
    {
        var gateway = await TestGateway.StartAsync(huggingFace, [$"REDIS_URL={url}", isPatient ? Patience : Impatience, .. settings]);
        await Eventually.BeAsync(() => IsUp(gateway), "it is connected");
        return gateway;
    }

    public static bool IsUp(TestGateway gateway) =>
        gateway.Services.GetRequiredService<RedisState>().Connection.IsUp && gateway.Services.GetRequiredService<RedisImages>().Connection.IsUp;

    /// <summary>A connection of its own, as patient.</summary>
    /// <param name="name">What it is for.</param>
    public static RedisConnection Connect(string url, string name) => new(
        RedisUrl.Parse(url, out _)!, name, new RedisOptions { CallTimeout = TimeSpan.FromSeconds(20) }, TimeProvider.System, NullLogger<RedisConnection>.Instance);
}
