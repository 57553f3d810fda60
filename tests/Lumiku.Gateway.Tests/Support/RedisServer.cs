using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

[assembly: AssemblyFixture(typeof(Lumiku.Gateway.Tests.Support.RedisServer))]

namespace Lumiku.Gateway.Tests.Support;

/// <summary>A real redis-server on a free port, without files. One for the whole assembly, and others for tests that hurt theirs.</summary>
public sealed class RedisServer : IAsyncLifetime
{
    private const int FirstPort = 12_000;
    private const int Ports = 20_000;

    /// <summary>Two runs on one machine begin at different ones.</summary>
    private static int _lastPort = Random.Shared.Next(Ports);

    private readonly string[] _arguments;
    private Process? _process;

    public RedisServer()
        : this([])
    {
    }

    /// <param name="arguments">Settings, such as <c>--maxmemory 1mb</c>.</param>
    private RedisServer(string[] arguments) => _arguments = arguments;

    public int Port { get; } = FreePort();

    public string Url => $"redis://127.0.0.1:{Port}";

    public static async Task<RedisServer> StartAsync(params string[] arguments)
    {
        var server = new RedisServer(arguments);
        await server.InitializeAsync();
        return server;
    }

    public async ValueTask InitializeAsync()
    {
        Start();
        await Eventually.BeAsync(IsThereAsync, "redis-server answers");
    }

    /// <summary>Again on the same port, empty.</summary>
    public void Start() => _process = Process.Start(new ProcessStartInfo("redis-server", ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", .. _arguments])
    {
        RedirectStandardOutput = true,
        WorkingDirectory = Path.GetTempPath(),
    })!;

    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    /// <summary>As a machine that hangs: connections stay, and nobody answers.</summary>
    public void Freeze() => Signal("STOP");

    public void Thaw() => Signal("CONT");

    /// <summary>What <c>redis-cli</c> would be told; the answer's first line.</summary>
    public Task<string> TellAsync(params string[] words) => TellAsync(password: null, words);

    /// <param name="password">Said first, where it is locked.</param>
    public async Task<string> TellAsync(string? password, string[] words)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port);
        await using var stream = client.GetStream();
        await using var writer = new StreamWriter(stream) { NewLine = "\r\n" };
        using var reader = new StreamReader(stream);
        if (password is not null)
        {
            await SayAsync("AUTH", password);
        }

        return await SayAsync(words);

        async Task<string> SayAsync(params string[] words)
        {
            await writer.WriteLineAsync($"*{words.Length}");
            foreach (var word in words)
            {
                await writer.WriteLineAsync($"${System.Text.Encoding.UTF8.GetByteCount(word)}\r\n{word}");
            }

            await writer.FlushAsync();
            return await reader.ReadLineAsync() ?? "";
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
    }

    private async Task<bool> IsThereAsync()
    {
        try
        {
            await TellAsync("PING");
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Signal(string name) => Process.Start("kill", [$"-{name}", $"{_process!.Id}"])!.WaitForExit();

    /// <summary>
    /// A port on which nobody listens, nor will but who asked for it: below those that the kernel gives out by itself, and never the same twice. A port
    /// that the kernel gave once it gives again, to a neighbour.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = FirstPort + (Interlocked.Increment(ref _lastPort) % Ports);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody else's; the next.
            }
        }
    }
}
