using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Asks a gateway what became of a request.</summary>
internal static class Explained
{
    public const string OperatorKey = "operator-key-0123456789abcdef";

    /// <summary>For gateways whose stories an operator reads.</summary>
    public const string WithOperator = $"OPERATOR_KEY={OperatorKey}";

    public static Task<Answer> ExplainAsync(this TestGateway gateway, string id, string? key = OperatorKey, string? accept = null, Action<HttpRequestMessage>? change = null) =>
        ExplainAsync(gateway.Client, id, key, accept, change);

    public static async Task<Answer> ExplainAsync(HttpClient client, string id, string? key, string? accept = null, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/explain/{id}");
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        change?.Invoke(request);
        return await Answer.ReadAsync(await client.SendAsync(request));
    }

    /// <summary>The only story of that id. It is told a moment after the answer has come.</summary>
    public static async Task<JsonElement> StoryAsync(this TestGateway gateway, string id, string? key = OperatorKey)
    {
        Answer? answer = null;
        await Eventually.BeAsync(
            async () =>
            {
                answer = await gateway.ExplainAsync(id, key);
                return (int)answer.Status == 200;
            },
            $"there is a story of {id}");
        return answer!.Json.GetProperty("stories").EnumerateArray().Single();
    }

    public static Task<JsonElement> StoryOfAsync(this TestGateway gateway, Answer answer, string? key = OperatorKey) => gateway.StoryAsync(answer.Header("X-Request-Id"), key);

    /// <summary>Names its request.</summary>
    public static Action<HttpRequestMessage> As(string id) => request => request.Headers.Add("X-Request-Id", id);

    public static string TextOf(Answer answer) => Encoding.UTF8.GetString(answer.Body);

    public static JsonElement At(this JsonElement element, params string[] path) => path.Aggregate(element, (inner, name) => inner.GetProperty(name));

    public static string? Say(this JsonElement element, params string[] path) => element.At(path).GetString();

    public static string?[] Each(this JsonElement element, string name) => [.. element.EnumerateArray().Select(item => item.TryGetProperty(name, out var value) ? value.ToString() : null)];
}
