using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A gateway whose models are served by the upstreams that a test names.</summary>
internal static class ServedGateway
{
    /// <summary>What the shipped upstreams need to fetch from the simulator, and to ask it often.</summary>
    private static string[] NearBy(Uri upstream) =>
    [
        .. TestGateway.Providers.Select(provider => $"ReverseProxy:Clusters:{provider}:Destinations:primary:Address={new Uri(upstream, $"/{provider}/")}"),
        "Upstreams:fal-ai:ImageHosts:2=127.0.0.1", "Upstreams:replicate:ImageHosts:2=127.0.0.1", "Upstreams:wavespeed:ImageHosts:1=127.0.0.1", "Upstreams:together:ImageHosts:0=127.0.0.1",
        "Upstreams:fal-ai:PollEvery=00:00:00.1", "Upstreams:replicate:PollEvery=00:00:00.1", "Upstreams:wavespeed:PollEvery=00:00:00.1", Explained.WithOperator,
    ];

    /// <param name="served">In order: an upstream, with an equals sign before the model's id there where it is another.</param>
    public static Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, string model, string[] served, params string[] settings) =>
        TestGateway.StartAsync(huggingFace, [.. NearBy(huggingFace.Address), .. Served(model, served), .. settings]);

    /// <inheritdoc cref="TestGateway.StartWithAsync"/>
    public static Task<TestGateway> StartWithAsync(HuggingFaceSimulator huggingFace, Action<IServiceCollection> replace, string model, string[] served, params string[] settings) =>
        TestGateway.StartWithAsync(huggingFace, replace, [.. NearBy(huggingFace.Address), .. Served(model, served), .. settings]);

    public static IEnumerable<string> Served(string model, params string[] served) => served.SelectMany((entry, index) =>
    {
        var (key, parts) = ($"Models:Catalog:{model}:Served:{index}", entry.Split('=', 2));
        return parts.Length == 1 ? [$"{key}:Upstream={parts[0]}"] : new[] { $"{key}:Upstream={parts[0]}", $"{key}:ProviderModelId={parts[1]}" };
    });

    /// <summary>As shipped, limits apart, with all upstreams here.</summary>
    public static Task<TestGateway> StartShippedAsync(HuggingFaceSimulator huggingFace, params string[] settings) =>
        TestGateway.StartAsync(huggingFace, [.. NearBy(huggingFace.Address), $"GATEWAY_SETTINGS={Path.Combine(AppContext.BaseDirectory, "appsettings.json")}", .. settings]);
}
