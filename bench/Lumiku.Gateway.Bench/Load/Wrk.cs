using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Lumiku.Gateway.Bench.Load;

/// <summary>Keeps a number of requests open at a server for some seconds.</summary>
internal sealed class Wrk(int connections)
{
    /// <param name="isOneBody">The same request again and again; false counts the seed up.</param>
    /// <exception cref="BenchException">wrk itself failed.</exception>
    public async Task<WrkFigures> RunAsync(Uri server, int seconds, long seed, bool isOneBody, CancellationToken cancellationToken)
    {
        var headers = BackendRequest.Headers.Select(header => $"{header.Key}: {header.Value}").Append($"Content-Type: {BackendRequest.ContentType}");
        var start = new ProcessStartInfo("wrk",
        [
            "-t1", $"-c{connections}", $"-d{seconds}s", "--latency", "-s", Path.Combine(AppContext.BaseDirectory, "post.lua"), $"{new Uri(server, BackendRequest.Path)}",
            "--", seed.ToString(CultureInfo.InvariantCulture), isOneBody ? "0" : "1", BackendRequest.Body, .. headers,
        ])
        { RedirectStandardOutput = true };

        using var wrk = Process.Start(start)!;
        try
        {
            var output = await wrk.StandardOutput.ReadToEndAsync(cancellationToken);
            await wrk.WaitForExitAsync(cancellationToken);
            var line = output.Split('\n').FirstOrDefault(line => line.StartsWith('{'));
            return line is not null ? JsonSerializer.Deserialize<WrkFigures>(line, JsonSerializerOptions.Web)! : throw new BenchException($"wrk failed: {output}");
        }
        finally
        {
            if (!wrk.HasExited)
            {
                wrk.Kill();
            }
        }
    }
}
