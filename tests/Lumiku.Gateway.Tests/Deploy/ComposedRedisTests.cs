using System.Diagnostics;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>Real servers, told what the compose file tells them, and the gateway between them.</summary>
public sealed class ComposedRedisTests : IAsyncLifetime
{
    private const string Password = "0123456789abcdef";

    private readonly string _data = Directory.CreateTempSubdirectory().FullName;
    private RedisServer _state = null!;
    private RedisServer _images = null!;
    private HuggingFaceSimulator _huggingFace = null!;

    public async ValueTask InitializeAsync()
    {
        _state = await StartAsync("redis-state");
        _images = await StartAsync("redis-images");
        _huggingFace = await HuggingFaceSimulator.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _huggingFace.DisposeAsync();
        await _images.DisposeAsync();
        await _state.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task Each_role_is_what_the_gateway_wants()
    {
        await using var gateway = await ServeAsync(_state, _images);

        (await gateway.AskAsync("""{"inputs":"two roles"}""")).ShouldBeNull();

        await Eventually.BeAsync(async () => await CountAsync(_state) > 0 && await CountAsync(_images) > 0, "both have what is theirs");
        (await gateway.Client.GetStringAsync("/health/ready")).ShouldContain("\"ready\"");
        gateway.Output.ShouldNotContain(line => line.Contains("maxmemory", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_spent_outlives_a_restart_and_a_restored_backup()
    {
        await _state.TellAsync(Password, ["SET", "spent", "3"]);

        // The kernel has every change at once, and the disk within a second.
        _state.Kill();
        _state.Start();
        await Eventually.BeAsync(async () => await CountAsync(_state) == 1, "it is there again");

        // The two commands of the guide, on this machine in place of containers.
        var backup = Path.Combine(_data, "state.rdb");
        await ShellAsync($"({InShell("redis-cli --rdb", _state)}) > {backup}");
        await _state.TellAsync(Password, ["SET", "spent", "4"]);
        await _state.TellAsync(Password, ["SET", "spent-too", "1"]);
        _state.Kill();
        await ShellAsync($"({InShell("rm -rf /data/appendonlydir", _state)}) < {backup}");
        _state.Start();
        await Eventually.BeAsync(async () => await CountAsync(_state) == 1, "what was in the backup is there");
    }

    [Fact]
    public async Task The_other_way_round_it_warns()
    {
        await using var gateway = await ServeAsync(_images, _state);

        await Eventually.BeAsync(() => gateway.Output.Any(line => line.Contains("maxmemory-policy allkeys-lru", StringComparison.Ordinal)), "it is said");
    }

    private Task<GatewayProcess> ServeAsync(RedisServer state, RedisServer images) => GatewayProcess.ServeAsync(_huggingFace.Address, new()
    {
        ["REDIS_URL"] = Url("REDIS_URL", "redis-state:6379", state),
        ["Redis__Images"] = Url("Redis__Images", "redis-images:6379", images),
    });

    private static string Url(string name, string place, RedisServer server) =>
        Given(ComposeFile.Main.Services["gateway"].Environment[name]).Replace(place, $"127.0.0.1:{server.Port}", StringComparison.Ordinal);

    private async Task<RedisServer> StartAsync(string service)
    {
        var command = ComposeFile.Main.Services[service].List("command");
        command[0].ShouldBe("redis-server");
        var data = Directory.CreateDirectory(Path.Combine(_data, service)).FullName;
        return await RedisServer.StartAsync([.. command.Skip(1).Select(Given), "--dir", data]);
    }

    private static string Given(string text) => ComposeFile.Interpolate(text, new Dictionary<string, string> { ["SERVICE_PASSWORD_64_REDIS"] = Password });

    /// <summary>What the guide has <c>sh</c> do in the container.</summary>
    private string InShell(string beginning, RedisServer server) => File.ReadAllLines(Path.Combine(Repository.Root, "docs", "coolify.md"))
        .Single(line => line.Contains($"sh -c '{beginning}", StringComparison.Ordinal)).Split('\'')[1]
        .Replace("redis-cli", $"redis-cli -p {server.Port}", StringComparison.Ordinal)
        .Replace("/data", Path.Combine(_data, "redis-state"), StringComparison.Ordinal);

    private static async Task ShellAsync(string words)
    {
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", words]) { Environment = { ["REDISCLI_AUTH"] = Password }, RedirectStandardError = true })!;
        var said = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();
        shell.ExitCode.ShouldBe(0, said);
    }

    private static async Task<int> CountAsync(RedisServer server)
    {
        try
        {
            return (await server.TellAsync(Password, ["DBSIZE"])).TrimStart(':') is var count && int.TryParse(count, out var keys) ? keys : -1;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return -1;
        }
    }
}
