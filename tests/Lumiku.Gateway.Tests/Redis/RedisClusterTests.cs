using System.Diagnostics;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Redis;

/// <summary>A cluster of three nodes will do as well: all keys of one decision lie in one slot.</summary>
public sealed class RedisClusterTests : IAsyncLifetime
{
    private readonly List<RedisServer> _nodes = [];
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lumiku-cluster-");

    public async ValueTask InitializeAsync()
    {
        for (var i = 0; i < 3; i++)
        {
            _nodes.Add(await RedisServer.StartAsync(
                "--cluster-enabled", "yes", "--cluster-config-file", Path.Combine(_directory.FullName, $"{i}.conf"), "--cluster-port", $"{RedisServer.FreePort()}"));
        }

        using var create = Process.Start(new ProcessStartInfo("redis-cli", ["--cluster", "create", .. _nodes.Select(node => $"127.0.0.1:{node.Port}"), "--cluster-yes"]) { RedirectStandardOutput = true })!;
        var output = await create.StandardOutput.ReadToEndAsync();
        await create.WaitForExitAsync();
        create.ExitCode.ShouldBe(0, output);
        await Eventually.BeAsync(
            async () => (await Task.WhenAll(_nodes.Select(node => node.TellAsync("SET", "probe", "1"))))
                .All(answer => answer.StartsWith("+OK", StringComparison.Ordinal) || answer.StartsWith("-MOVED", StringComparison.Ordinal)),
            "the cluster is whole");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Limits_images_and_generations_are_shared_over_all_nodes()
    {
        var upstreamTime = new ManualTime();
        await using var huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { TimeProvider = upstreamTime });
        await using var first = await StartAsync(huggingFace, Url);
        await using var second = await StartAsync(huggingFace, Url);

        // Users and images enough for every node to have some.
        for (var user = 0; user < 20; user++)
        {
            for (var i = 0; i < 3; i++)
            {
                var answer = await AskAsync(i % 2 == 0 ? first : second, $"user-{user}", $$"""{"inputs":"{{user}} and {{i}}"}""");
                ((int)answer.Status).ShouldBe(i < 2 ? 200 : 429, $"user {user}, image {i}");
            }
        }

        for (var user = 0; user < 20; user++)
        {
            Answer hit = null!;
            await Eventually.BeAsync(async () => (hit = await AskAsync(second, "another", $$"""{"inputs":"{{user}} and 0"}""")).Header("X-Cache") == "HIT", "it is found at the other replica");
        }

        huggingFace.Received.Count.ShouldBe(40);
        huggingFace.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var asking = Enumerable.Range(0, 40).Select(i => AskAsync(i % 2 == 0 ? first : second, $"late-{i}", FlightBench.Body)).ToArray();
        await Eventually.BeAsync(() => upstreamTime.Waiting == 1, "one is being made");
        await Task.Delay(TimeSpan.FromMilliseconds(700), TimeProvider.System, TestContext.Current.CancellationToken);
        upstreamTime.Advance(TimeSpan.FromSeconds(1));
        Array.ForEach(await Task.WhenAll(asking), answer => answer.ShouldBeAnImage());
        huggingFace.Received.Count.ShouldBe(41);

        // Scripts that are forgotten, and a flush, on one node after the other.
        foreach (var node in _nodes)
        {
            await node.TellAsync("SCRIPT", "FLUSH");
            await node.TellAsync("FLUSHALL");
        }

        for (var user = 0; user < 20; user++)
        {
            (await AskAsync(first, $"user-{user}", FlightBench.Body)).ShouldBeAnImage();
        }

        var look = await first.Services.GetRequiredService<ILimitStore>().LookAsync(new Account(new Owner(IsUser: true, "user-0"), "free", UsageLimits.None, new QuotaCalendar(TimeZoneInfo.Utc)));
        look.Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_purge_finds_its_images_on_every_node()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var first = await StartAsync(huggingFace, Url);
        await using var second = await StartAsync(huggingFace, Url);
        for (var user = 0; user < 20; user++)
        {
            (await AskAsync(first, $"user-{user}", $$"""{"inputs":"{{user}}"}""")).ShouldBeAnImage();
        }

        (await first.GenerateAsync(TestGateway.Xl, FlightBench.Body)).ShouldBeAnImage();
        await Eventually.BeAsync(async () => (await ManifestsAsync()).Sum() == 21, "all are written");
        (await ManifestsAsync()).ShouldAllBe(count => count > 0);

        var purged = (await second.PurgeAsync($"model={TestGateway.Sd3}")).Json;

        (purged.GetProperty("memory").GetInt32(), purged.GetProperty("replicas").GetInt32(), purged.GetProperty("redis").GetInt32()).ShouldBe((20, 2, 20));
        (await ManifestsAsync()).Sum().ShouldBe(1);
    }

    private string Url => $"redis://{string.Join(',', _nodes.Select(node => $"127.0.0.1:{node.Port}"))}";

    /// <summary>How many images lie on each node.</summary>
    private async Task<int[]> ManifestsAsync() =>
        [.. (await Task.WhenAll(_nodes.Select(node => node.TellAsync("EVAL", "return #redis.call('KEYS', 'lumiku:image:1:*}')", "0")))).Select(count => int.Parse(count.TrimStart(':')))];

    private static Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, string url) =>
        Replica.StartAsync(huggingFace, url, isPatient: true, PurgeCalls.Setting, "Tiers:free:UnitsPerDay=2", "Tiers:free:ConcurrentRequests=2");

    private static Task<Answer> AskAsync(TestGateway gateway, string user, string body) =>
        gateway.GenerateAsync(TestGateway.Sd3, body, change: request => request.Headers.Add("X-Lumiku-User", user));
}
