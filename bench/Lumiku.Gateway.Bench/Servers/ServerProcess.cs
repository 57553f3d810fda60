using System.Diagnostics;
using System.Globalization;
using Lumiku.Gateway.Bench.Roles;

namespace Lumiku.Gateway.Bench.Servers;

/// <summary>A server under measurement: a process with its children, for nginx works in children.</summary>
internal sealed class ServerProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>So much of a failed server's output is shown.</summary>
    private const int LastLines = 5;

    private readonly Process _process;
    private readonly string _log;

    private ServerProcess(Process process, string log, int port)
    {
        (_process, _log, Port) = (process, log, port);
        Address = new Uri($"http://127.0.0.1:{port}/");
    }

    public int Port { get; }

    public Uri Address { get; }

    /// <summary>What user and kernel time it has used since it started; in steps of 10 ms.</summary>
    public TimeSpan CpuTime => Tree().Aggregate(TimeSpan.Zero, (sum, process) => sum + process.TotalProcessorTime);

    /// <summary>The most memory it ever had resident, in bytes. What the processes of nginx share is counted with each.</summary>
    public long PeakBytes => Tree().Sum(process => process.PeakWorkingSet64);

    public long ResidentBytes => Tree().Sum(process => process.WorkingSet64);

    /// <param name="log">The file that takes all it prints.</param>
    /// <param name="environment">All variables it gets besides PATH, HOME and those of .NET.</param>
    /// <exception cref="BenchException">It did not start; the message has what it printed.</exception>
    public static async Task<ServerProcess> StartAsync(
        int port, string log, IEnumerable<string> command, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        // The shell sends the output to the file and becomes the server, so the id stays the server's.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1", "sh", log, .. command]) { WorkingDirectory = Path.GetDirectoryName(log) };
        foreach (var name in start.Environment.Keys.Where(name => name is not ("PATH" or "HOME") && !name.StartsWith("DOTNET", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var server = new ServerProcess(Process.Start(start)!, log, port);
        try
        {
            await server.UntilReadyAsync(cancellationToken);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Kills it: nothing it holds is worth a graceful end. A parent is asked first, for it has children to collect.</summary>
    public void Dispose()
    {
        if (!_process.HasExited && Children().Length > 0)
        {
            using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
            _process.WaitForExit(Patience);
        }

        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private async Task UntilReadyAsync(CancellationToken cancellationToken)
    {
        using var client = new HttpClient { BaseAddress = Address, Timeout = Patience };
        var started = TimeProvider.System.GetTimestamp();
        while (!await IsReadyAsync(client, cancellationToken))
        {
            if (_process.HasExited || TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                throw Failure("did not start");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(BareServer.ReadyPath, cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private IEnumerable<Process> Tree() => _process.HasExited ? throw Failure("has ended") : Children().Prepend(_process.Id).Select(Process.GetProcessById);

    /// <param name="what">Completes a sentence about the server.</param>
    private BenchException Failure(string what) =>
        new($"{Path.GetFileNameWithoutExtension(_log)} {what}: {string.Join('\n', File.ReadLines(_log).TakeLast(LastLines))}");

    private int[] Children()
    {
        var children = File.ReadAllText($"/proc/{_process.Id}/task/{_process.Id}/children");
        return [.. children.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(child => int.Parse(child, CultureInfo.InvariantCulture))];
    }
}
