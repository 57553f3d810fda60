using System.Globalization;
using System.Net;
using System.Text;
using Lumiku.Gateway.Bench.Roles;

namespace Lumiku.Gateway.Bench.Load;

/// <param name="Cache">The header <c>X-Cache</c>, null without one.</param>
internal sealed record BackendAnswer(HttpStatusCode Status, int Bytes, string? Cache);

/// <summary>Sends single requests, as many at once as wanted.</summary>
internal sealed class BackendClient : IDisposable
{
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromMinutes(3) };

    /// <exception cref="HttpRequestException">No answer, or not all of it.</exception>
    public async Task<BackendAnswer> AskAsync(Uri server, long seed, CancellationToken cancellationToken)
    {
        var body = BackendRequest.Body.Replace("SEED", seed.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server, BackendRequest.Path))
        {
            Content = new StringContent(body, Encoding.UTF8, BackendRequest.ContentType),
        };
        foreach (var (name, value) in BackendRequest.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await _client.SendAsync(request, cancellationToken);
        var bytes = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        return new BackendAnswer(answer.StatusCode, bytes.Length, answer.Headers.TryGetValues("X-Cache", out var values) ? string.Join(',', values) : null);
    }

    /// <summary>How often the upstream was asked so far.</summary>
    public async Task<long> CountAsync(Uri upstream, CancellationToken cancellationToken) =>
        long.Parse(await _client.GetStringAsync(new Uri(upstream, UpstreamServer.CountPath), cancellationToken), CultureInfo.InvariantCulture);

    public void Dispose() => _client.Dispose();
}
