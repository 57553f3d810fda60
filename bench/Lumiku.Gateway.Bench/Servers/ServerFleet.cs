using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lumiku.Gateway.Bench.Load;

namespace Lumiku.Gateway.Bench.Servers;

/// <summary>The servers of one scenario: started here, and all stopped here whatever happens.</summary>
internal sealed class ServerFleet(string gateway, WorkFolder work, CancellationToken cancellationToken) : IDisposable
{
    private readonly List<ServerProcess> _servers = [];

    /// <param name="port">Null takes a free one; a port of a server that was stopped lets another take its place.</param>
    public Task<ServerProcess> StartUpstreamAsync(int imageBytes, TimeSpan delay = default, int? port = null) =>
        StartRoleAsync("upstream", port ?? FreePort(), "--bytes", $"{imageBytes}", "--delay-ms", delay.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture));

    /// <summary>Bare Kestrel, which knows the image beforehand.</summary>
    public Task<ServerProcess> StartGroundAsync(int imageBytes) => StartRoleAsync("kestrel", FreePort(), "--bytes", $"{imageBytes}");

    public Task<ServerProcess> StartYarpAsync(ServerProcess upstream) => StartRoleAsync("yarp", FreePort(), "--upstream", $"{upstream.Address}");

    /// <summary>As shipped but for the upstream's address, and limits that nobody reaches: they are counted all the same. Its log goes to a file.</summary>
    public Task<ServerProcess> StartGatewayAsync(ServerProcess upstream)
    {
        var port = FreePort();
        return StartAsync(
            "gateway",
            port,
            [
                "dotnet", gateway, "--urls", $"http://127.0.0.1:{port}", $"--ReverseProxy:Clusters:huggingface:Destinations:primary:Address={upstream.Address}",
                "--Tiers:pro:RequestsPerMinute=1000000", "--Tiers:pro:Burst=1000000", "--Tiers:pro:ConcurrentRequests=100000", "--Tiers:pro:UnitsPerDay=1000000000", "--Tiers:pro:UnitsPerMonth=1000000000",
            ],
            new()
            {
                ["HUGGINGFACE_API_KEY"] = "hf_bench",
                ["GATEWAY_API_KEY"] = BackendRequest.GatewayKey,
                ["GATEWAY_SETTINGS"] = Path.Combine(Path.GetDirectoryName(gateway)!, "appsettings.json"),
                ["TMPDIR"] = work.Files,
            });
    }

    /// <param name="configuration">A file of <c>nginx/</c>.</param>
    public async Task<ServerProcess> StartNginxAsync(string configuration, ServerProcess upstream)
    {
        var port = FreePort();
        var text = (await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "nginx", configuration), cancellationToken))
            .Replace("{port}", $"{port}", StringComparison.Ordinal)
            .Replace("{upstream}", $"{upstream.Port}", StringComparison.Ordinal)
            .Replace("{work}", work.Files, StringComparison.Ordinal)
            .Replace("{cache}", work.NewCache(), StringComparison.Ordinal);
        var file = Path.Combine(work.Files, configuration);
        await File.WriteAllTextAsync(file, text, cancellationToken);
        return await StartAsync("nginx", port, ["nginx", "-e", Path.Combine(work.Files, "nginx-start.log"), "-c", file], []);
    }

    public void Stop(ServerProcess server)
    {
        _servers.Remove(server);
        server.Dispose();
    }

    public void Dispose() => _servers.ForEach(server => server.Dispose());

    private Task<ServerProcess> StartRoleAsync(string role, int port, params string[] flags) =>
        StartAsync(role, port, ["dotnet", typeof(ServerFleet).Assembly.Location, role, "--port", $"{port}", .. flags], []);

    private async Task<ServerProcess> StartAsync(string name, int port, IEnumerable<string> command, Dictionary<string, string> environment)
    {
        var server = await ServerProcess.StartAsync(port, Path.Combine(work.Files, $"{name}.log"), command, environment, cancellationToken);
        _servers.Add(server);
        return server;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
