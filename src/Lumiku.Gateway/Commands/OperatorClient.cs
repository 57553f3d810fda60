using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Commands;

/// <summary>The gateway that runs, as an operator's command asks it: at its address, by <c>OPERATOR_KEY</c>.</summary>
/// <remarks>Why it cannot be asked, or does not answer, is said on standard error.</remarks>
internal sealed class OperatorClient : IDisposable
{
    public static readonly Option<Uri?> Url = new("--url")
    {
        Description = "The gateway; by default the one on this machine, at PORT.",
        CustomParser = result => Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : Misfit(result),
    };

    public static readonly Option<bool> IsJson = new("--json") { Description = "Print the gateway's answer as it is." };

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _client;

    private OperatorClient(Uri gateway, string key)
    {
        // The key goes to the gateway alone: never through a proxy of the environment to this machine, nor along a redirect.
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = !gateway.IsLoopback, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri($"{gateway.AbsoluteUri.TrimEnd('/')}/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>Of the gateway, for messages.</summary>
    public string Authority => _client.BaseAddress!.Authority;

    /// <returns>Null where the command is misused: the port is none, or there is no key.</returns>
    public static OperatorClient? Open(ParseResult parsed)
    {
        var gateway = parsed.GetValue(Url) ?? Here();
        var key = Environment.GetEnvironmentVariable(ShortVariables.OperatorKey);
        var misuse = gateway is null ? "PORT is no port: give a number from 1 to 65535, or --url."
            : string.IsNullOrEmpty(key) ? $"{ShortVariables.OperatorKey} is not set: give it to the gateway and to this command."
            : !new Secret(key).FitsHeader ? $"{ShortVariables.OperatorKey} must be visible ASCII characters without spaces."
            : null;
        if (misuse is null)
        {
            return new OperatorClient(gateway!, key!);
        }

        Console.Error.WriteLine(misuse);
        return null;
    }

    /// <summary>Asks, and prints the answer: as it is with <c>--json</c>.</summary>
    /// <param name="path">Below the gateway's address, with its query.</param>
    /// <param name="describe">For a terminal.</param>
    /// <param name="patience">For how long the answer is waited for; null: some seconds.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="OperationCanceledException">The command is to end.</exception>
    public static async Task<int> PrintAsync(ParseResult parsed, HttpMethod method, string path, Func<byte[], string> describe, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var gateway = Open(parsed);
        if (gateway is null)
        {
            return GatewayCommandLine.Misuse;
        }

        var isJson = parsed.GetValue(IsJson);
        var answer = await gateway.AskAsync(method, path, body => isJson ? Encoding.UTF8.GetString(body) + Environment.NewLine : describe(body), cancellationToken, patience);
        if (answer is null)
        {
            return GatewayCommandLine.No;
        }

        Console.Out.Write(answer);
        return GatewayCommandLine.Done;
    }

    /// <param name="request">To an address below the gateway's.</param>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _client.SendAsync(request, cancellationToken);

    /// <param name="path">Below the gateway's address, with its query.</param>
    /// <param name="read">Of a good answer.</param>
    /// <param name="patience">For how long the answer is waited for; null: some seconds.</param>
    /// <returns>Null where there was no good answer in that time.</returns>
    /// <exception cref="OperationCanceledException">The command is to end.</exception>
    public async Task<T?> AskAsync<T>(HttpMethod method, string path, Func<byte[], T> read, CancellationToken cancellationToken, TimeSpan? patience = null)
        where T : class
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        waiting.CancelAfter(patience ?? Patience);
        try
        {
            using var request = new HttpRequestMessage(method, path);
            using var answer = await SendAsync(request, waiting.Token);
            var body = await answer.Content.ReadAsByteArrayAsync(waiting.Token);
            if (answer.IsSuccessStatusCode)
            {
                return read(body);
            }

            await Console.Error.WriteLineAsync(answer.StatusCode == HttpStatusCode.NotFound
                ? $"The gateway at {Authority} has nothing there: it was started without {ShortVariables.OperatorKey}."
                : $"The gateway at {Authority} refused: {GatewayJson.DeserializeError(body).Error ?? "it does not say why"}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"No answer from the gateway at {Authority} within {(patience ?? Patience).TotalSeconds} s.");
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException)
        {
            await Console.Error.WriteLineAsync($"No answer from the gateway at {Authority}: {exception.Message}");
        }

        return null;
    }

    public void Dispose() => _client.Dispose();

    private static Uri? Misfit(ArgumentResult result)
    {
        result.AddError("--url must be an address such as http://127.0.0.1:8080.");
        return null;
    }

    /// <returns>Null where PORT is no port.</returns>
    private static Uri? Here()
    {
        var port = GatewayServer.PortHere();
        return ushort.TryParse(port, CultureInfo.InvariantCulture, out var number) && number > 0 ? new Uri($"http://127.0.0.1:{number}") : null;
    }
}
