namespace Lumiku.Gateway.Tests.Support;

/// <summary>An operator who has images purged.</summary>
internal static class PurgeCalls
{
    public const string OperatorKey = "operator-key-0123456789abcdef";
    public const string Setting = $"OPERATOR_KEY={OperatorKey}";

    /// <param name="query">Such as <c>model=a/b</c>.</param>
    public static async Task<Answer> PurgeAsync(this HttpClient client, string query)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/ops/purge?{query}");
        request.Headers.Add("Authorization", $"Bearer {OperatorKey}");
        return await Answer.ReadAsync(await client.SendAsync(request));
    }

    /// <inheritdoc cref="PurgeAsync(HttpClient, string)"/>
    public static Task<Answer> PurgeAsync(this TestGateway gateway, string query) => gateway.Client.PurgeAsync(query);
}
