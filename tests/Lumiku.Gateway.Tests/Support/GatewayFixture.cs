using Lumiku.HuggingFace.Simulator;
using Xunit;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A simulator and a gateway with the shipped settings, shared by the tests of one class, which run one after another. Nothing is kept or remembered from one to the next.</summary>
public sealed class GatewayFixture : IAsyncLifetime
{
    public const string JwtSecret = "a-secret-of-the-saas-0123456789abcdef-0123456789abcdef";

    public HuggingFaceSimulator HuggingFace { get; private set; } = null!;

    public TestGateway Gateway { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        HuggingFace = await HuggingFaceSimulator.StartAsync();
        Gateway = await TestGateway.StartAsync(HuggingFace, $"JWT_SECRET={JwtSecret}", "Limits:FailedLoginsPerMinute=10000", "Cache:MemoryBytes=0", "Generation:FailureMemory=00:00:00");
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await HuggingFace.DisposeAsync();
    }
}
