using System.Net;
using System.Text.Json;
using Shouldly;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>An answer read to its end.</summary>
public sealed record Answer(HttpStatusCode Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>The error's type; checks on the way that it has the one shape that every client can read.</summary>
    public string ErrorType
    {
        get
        {
            Headers["Content-Type"].ShouldBe("application/json");
            Json.GetProperty("error").GetString().ShouldNotBeNullOrWhiteSpace();
            Json.GetProperty("detail").GetString().ShouldNotBeNullOrWhiteSpace();
            Json.GetProperty("status").GetInt32().ShouldBe((int)Status);
            Json.GetProperty("requestId").GetString().ShouldBe(Headers["X-Request-Id"]);
            if (Status is HttpStatusCode.TooManyRequests or HttpStatusCode.GatewayTimeout)
            {
                int.Parse(Headers["Retry-After"]).ShouldBeGreaterThan(0);
            }

            return Json.GetProperty("type").GetString()!;
        }
    }

    public string Error => Json.GetProperty("error").GetString()!;

    public string Header(string name) => Headers.GetValueOrDefault(name) ?? "";

    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            var headers = response.Headers.Concat(response.Content.Headers)
                .ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase);
            return new Answer(response.StatusCode, headers, await response.Content.ReadAsByteArrayAsync());
        }
    }

    public void ShouldBeAnImage(string mediaType = "image/png")
    {
        Status.ShouldBe(HttpStatusCode.OK, Status == HttpStatusCode.OK ? "" : System.Text.Encoding.UTF8.GetString(Body));
        Headers["Content-Type"].ShouldBe(mediaType);
        Headers["Content-Length"].ShouldBe($"{Body.Length}");
        Lumiku.Gateway.Generation.Images.ImageInspector.Inspect(new(Body)).MediaType.ShouldBe(mediaType);
    }

    public void ShouldBe(int status, string type)
    {
        ErrorType.ShouldBe(type, Error);
        ((int)Status).ShouldBe(status);
    }
}
