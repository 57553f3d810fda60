using System.Net;
using System.Text.Json;

namespace Lumiku.Gateway.Commands.Discovery;

/// <summary>Hugging Face's Hub, asked without a token who serves a model.</summary>
/// <param name="patience">With one answer.</param>
internal sealed class HubClient(Uri hub, TimeSpan patience) : IDisposable
{
    private const int MaxAnswer = 1024 * 1024;
    private const int MaxProviders = 64;

    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        // A model that was renamed is a redirect.
        UseProxy = !hub.IsLoopback,
        UseCookies = false,
        MaxAutomaticRedirections = 3,
        ActivityHeadersPropagator = null,
    })
    {
        BaseAddress = new Uri($"{hub.AbsoluteUri.TrimEnd('/')}/"),
        Timeout = patience,
        MaxResponseContentBufferSize = MaxAnswer,
        DefaultRequestHeaders = { { "User-Agent", "lumiku-gateway" }, { "Accept", "application/json" } },
    };

    /// <returns>All that are listed, live or not; or why that is not known.</returns>
    public async Task<(IReadOnlyList<HubProvider> Providers, string? Error)> AskAsync(string model)
    {
        try
        {
            using var answer = await _client.GetAsync($"api/models/{model}?expand[]=inferenceProviderMapping");
            return answer.StatusCode switch
            {
                HttpStatusCode.OK => Read(await answer.Content.ReadAsByteArrayAsync()),
                // It does not tell strangers which of the two.
                HttpStatusCode.Unauthorized or HttpStatusCode.NotFound => ([], "The Hub has no such model, or none that is public."),
                HttpStatusCode.TooManyRequests => ([], "The Hub was asked too often; try again in some minutes."),
                _ => ([], $"The Hub answered {(int)answer.StatusCode}."),
            };
        }
        catch (OperationCanceledException)
        {
            return ([], $"No answer from the Hub within {patience.TotalSeconds:0.#} s.");
        }
        catch (HttpRequestException exception)
        {
            return ([], exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded ? "The Hub's answer is too large." : $"No answer from the Hub: {OneLine.Of(exception.Message)}");
        }
        catch (JsonException)
        {
            return ([], "The Hub's answer cannot be read.");
        }
    }

    public void Dispose() => _client.Dispose();

    private static (IReadOnlyList<HubProvider> Providers, string? Error) Read(byte[] body)
    {
        using var answer = JsonDocument.Parse(body);
        var root = answer.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException();
        }

        var mapping = root.TryGetProperty("inferenceProviderMapping", out var found) ? found : default;
        var providers = mapping.ValueKind switch
        {
            JsonValueKind.Array => mapping.EnumerateArray().Select(entry => HubProvider.Read(Text(entry, "provider"), entry)),
            JsonValueKind.Object => mapping.EnumerateObject().Select(member => HubProvider.Read(member.Name, member.Value)), // As it was before 2025-07.
            JsonValueKind.Undefined or JsonValueKind.Null => [],
            _ => throw new JsonException(),
        };
        return ([.. providers.OfType<HubProvider>().Take(MaxProviders)], null);
    }

    internal static string? Text(JsonElement entry, string name) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>A provider's entry of a model. All of it is printable ASCII.</summary>
internal sealed record HubProvider(string Name, string ProviderId, string? Task, string? Status)
{
    private const int MaxLength = 200;

    /// <returns>Null where the entry names no provider, or no model there.</returns>
    public static HubProvider? Read(string? name, JsonElement entry) =>
        Printable(name) is { Length: > 0 } provider && Printable(HubClient.Text(entry, "providerId")) is { Length: > 0 } id
            ? new HubProvider(provider, id, Printable(HubClient.Text(entry, "task")), Printable(HubClient.Text(entry, "status")))
            : null;

    private static string? Printable(string? text) =>
        text is null ? null : string.Concat(text.Take(MaxLength).Select(c => c is >= ' ' and <= '~' ? c : '?'));
}
