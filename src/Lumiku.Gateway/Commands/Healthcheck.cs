namespace Lumiku.Gateway.Commands;

/// <summary>Asks the gateway that runs beside this process whether it lives.</summary>
internal static class Healthcheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var port = GatewayServer.PortHere();
        try
        {
            // Not by a proxy of the environment: it is this machine.
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience };
            using var answer = await client.GetAsync($"http://127.0.0.1:{port}/health/live", cancellationToken);
            return answer.IsSuccessStatusCode ? GatewayCommandLine.Done : GatewayCommandLine.No;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or UriFormatException)
        {
            await Console.Error.WriteLineAsync($"No answer on port {port}: {exception.Message}");
            return GatewayCommandLine.No;
        }
    }
}
