using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>The built program as an operator starts it: its own process, its own environment, a signal to stop it.</summary>
public sealed class GatewayProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private GatewayProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public IReadOnlyCollection<string> Output => _output;

    public string Errors => string.Join('\n', _errors);

    public HttpClient Client { get; private set; } = new();

    /// <summary>What it has of the machine's memory at this moment.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>What it has had of the machine's processors since its start.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public bool HasExited => _process.HasExited;

    /// <param name="environment">All that the program sees besides PATH and where .NET is.</param>
    public static GatewayProcess Start(string[] args, Dictionary<string, string> environment, string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            WorkingDirectory = workingDirectory ?? AppContext.BaseDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name is not ("PATH" or "HOME") && !name.StartsWith("DOTNET", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Lumiku.Gateway.dll"));
        foreach (var arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        return new GatewayProcess(Process.Start(start)!);
    }

    /// <summary>Starts it on a free port and waits until it says where it serves.</summary>
    public static async Task<GatewayProcess> ServeAsync(Uri upstream, Dictionary<string, string>? environment = null, params string[] args)
    {
        Dictionary<string, string> variables = new()
        {
            ["HUGGINGFACE_API_KEY"] = TestGateway.UpstreamToken,
            ["GATEWAY_API_KEY"] = TestGateway.BackendKey,
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["ReverseProxy__Clusters__huggingface__Destinations__primary__Address"] = $"{upstream}",
        };
        foreach (var provider in environment?.ContainsKey("GATEWAY_SETTINGS") == true ? [] : TestGateway.Providers)
        {
            variables[$"ReverseProxy__Clusters__{provider}__Destinations__primary__Address"] = $"{new Uri(upstream, $"/{provider}/")}";
        }

        foreach (var (name, value) in environment ?? [])
        {
            variables[name] = value;
        }

        var process = Start(args, variables);
        string? address = null;
        await Eventually.BeAsync(
            () => process.HasExited ? throw new InvalidOperationException(process.Errors) : (address = process.Lines().Select(line => Text(line, "Addresses")).FirstOrDefault(text => text is not null)) is not null,
            "the gateway serves");
        process.Client = new HttpClient { BaseAddress = new Uri(address!) };
        return process;
    }

    /// <summary>The log so far, parsed: every line is one JSON object.</summary>
    public IEnumerable<JsonElement> Lines() => _output.Select(line => JsonElement.Parse(line));

    /// <summary>A picture asked for as the backend does.</summary>
    /// <returns>Null where it came; else the error's body, or what broke.</returns>
    public async Task<string?> AskAsync(string body)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(body) };
            request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
            using var answer = await Client.SendAsync(request);
            return (int)answer.StatusCode == 200 ? null : await answer.Content.ReadAsStringAsync();
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return exception.Message;
        }
    }

    /// <summary>As a reader of standard output that hangs.</summary>
    public void StopReading() => _process.CancelOutputRead();

    /// <summary>SIGTERM, as a container engine sends it.</summary>
    public void Terminate() => Process.Start("kill", ["-TERM", $"{_process.Id}"])!.WaitForExit();

    /// <summary>SIGKILL: it ends where it stands.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private static string? Text(JsonElement line, string field) => line.TryGetProperty(field, out var value) ? value.GetString() : null;

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
        {
            lines.Enqueue(line);
        }
    }
}
