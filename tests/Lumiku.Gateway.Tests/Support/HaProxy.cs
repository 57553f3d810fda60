using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A real HAProxy with <c>deploy/haproxy.cfg</c>, in which the addresses alone are others.</summary>
public sealed partial class HaProxy : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _file;
    private readonly ConcurrentQueue<string> _lines = new();

    private HaProxy(Process process, string file, int port)
    {
        (_process, _file) = (process, file);
        Address = new Uri($"http://127.0.0.1:{port}");
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Uri Address { get; }

    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>What it has in its log of each request for a model.</summary>
    public IEnumerable<BalancedRequest> Requests => _lines.Select(line => Logged().Match(line)).Where(match => match.Success).Select(match => new BalancedRequest(
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
            () => balancer._process.HasExited ? throw new InvalidOperationException(string.Join('\n', balancer._lines)) : balancer.IsThereAsync(), "haproxy answers");
        return balancer;
    }

    /// <summary>How often it has seen a gateway come back.</summary>
    public int TimesUp(int gateway) => _lines.Count(line => line.StartsWith($"Server gateways/gateway-{gateway + 1} is UP", StringComparison.Ordinal));

    /// <summary>How often it has given a gateway up.</summary>
    public int TimesDown(int gateway) => _lines.Count(line => line.StartsWith($"Server gateways/gateway-{gateway + 1} is DOWN", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        File.Delete(_file);
    }

    private static Process Run(string file)
    {
        try
        {
            // In the foreground, whatever the file says.
            return Process.Start(new ProcessStartInfo("haproxy", ["-db", "-f", file]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception)
        {
            throw new InvalidOperationException("These tests need haproxy, which is not installed: apt-get install haproxy");
        }
    }

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

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
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
