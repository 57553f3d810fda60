using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A real HAProxy with <c>deploy/haproxy.cfg</c>, in which the addresses alone are others.</summary>
/// <remarks>
/// It writes its log to a file: into a pipe that is full for a moment it drops lines rather than wait (its manual, at <c>log stdout</c>), and
/// tests count them.
/// </remarks>
public sealed partial class HaProxy : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _file;

    private HaProxy(Process process, string file, int port)
    {
        (_process, _file) = (process, file);
        Address = new Uri($"http://127.0.0.1:{port}");
    }

    public Uri Address { get; }

    /// <summary>All that it has written so far, read anew each time.</summary>
    public IReadOnlyList<string> Lines => File.ReadAllLines(LogOf(_file));

    /// <summary>What it has in its log of each request for a model.</summary>
    public IEnumerable<BalancedRequest> Requests => Lines.Select(line => Logged().Match(line)).Where(match => match.Success).Select(match => new BalancedRequest(
        match.Groups["server"].Value, int.Parse(match.Groups["status"].Value, CultureInfo.InvariantCulture), match.Groups["end"].Value,
        int.Parse(match.Groups["retries"].Value.TrimStart('+'), CultureInfo.InvariantCulture)));

    /// <param name="gateways">Three ports of this machine.</param>
    public static async Task<HaProxy> StartAsync(params int[] gateways)
    {
        var port = RedisServer.FreePort();
        var text = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "haproxy.cfg")).Replace("bind :8080", $"bind 127.0.0.1:{port}", StringComparison.Ordinal);
        foreach (var (index, gateway) in gateways.Index())
        {
            text = text.Replace($"gateway-{index + 1}:8080", $"127.0.0.1:{gateway}", StringComparison.Ordinal);
        }

        var file = Path.Combine(Path.GetTempPath(), $"lumiku-haproxy-{port}.cfg");
        await File.WriteAllTextAsync(file, text);
        var balancer = new HaProxy(Run(file), file, port);
        await Eventually.BeAsync(
            () => balancer._process.HasExited ? throw new InvalidOperationException(string.Join('\n', balancer.Lines)) : balancer.IsThereAsync(), "haproxy answers");
        return balancer;
    }

    /// <summary>How often it has seen a gateway come back.</summary>
    public int TimesUp(int gateway) => Lines.Count(line => line.StartsWith($"Server gateways/gateway-{gateway + 1} is UP", StringComparison.Ordinal));

    /// <summary>How often it has given a gateway up.</summary>
    public int TimesDown(int gateway) => Lines.Count(line => line.StartsWith($"Server gateways/gateway-{gateway + 1} is DOWN", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        File.Delete(_file);
        File.Delete(LogOf(_file));
    }

    private static string LogOf(string file) => file + ".log";

    /// <summary>In the foreground, whatever the file says. A shell gives it the log as its output, and is it then.</summary>
    private static Process Run(string file) => Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec haproxy -db -f \"$0\" > \"$1\" 2>&1", file, LogOf(file)]))!;

    private async Task<bool> IsThereAsync()
    {
        using var client = new HttpClient();
        try
        {
            using var answer = await client.GetAsync(new Uri(Address, "/health/live"));
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Of <c>option httplog</c>: backend/server, times, status, bytes, two cookies, how it ended, connections with the retries last.</summary>
    [GeneratedRegex(@" callers gateways/(?<server>\S+) \S+ (?<status>-?\d+) \d+ - - (?<end>\S{4}) \d+/\d+/\d+/\d+/(?<retries>\+?\d+) \S+ ""[A-Z]+ /models/")]
    private static partial Regex Logged();
}

/// <summary>A request in the balancer's own words.</summary>
/// <param name="End"><c>----</c>: both sides ended as they should.</param>
/// <param name="Retries">Connections that were refused before the one that took it.</param>
public sealed record BalancedRequest(string Server, int Status, string End, int Retries);
