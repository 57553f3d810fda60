using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.ResponseCaching.Purging;

namespace Lumiku.Gateway;

/// <summary>The one shape of an error. Both <c>error</c> and <c>detail</c> are always texts: the official clients show nothing else.</summary>
/// <param name="ViolatedPolicies">Names of the limits that refused.</param>
/// <param name="FreesAt">When each of these frees, where that is known.</param>
internal sealed record ErrorBody(
    string Error, string Detail, string Type, int Status, string RequestId, IReadOnlyList<string>? ViolatedPolicies, IReadOnlyDictionary<string, string>? FreesAt, UpstreamError? Upstream);

/// <param name="Status">Upstream's.</param>
/// <param name="Error">The first 500 characters of what it said, known secrets masked; null where it said nothing.</param>
internal sealed record UpstreamError(int Status, string? Error);

/// <summary>What <c>/health/ready</c> says.</summary>
internal sealed record HealthBody(string Status, IReadOnlyList<string>? Reasons = null);

[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(HealthBody))]
[JsonSerializable(typeof(LimitsBody))]
[JsonSerializable(typeof(ModelsBody))]
[JsonSerializable(typeof(PurgeBody))]
internal sealed partial class GatewayJson : JsonSerializerContext
{
    private static readonly GatewayJson Readable = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // For eyes in a terminal: an apostrophe stays one. The answer is never HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Answers with a body that was serialized here; a HEAD is told its length alone.</summary>
    public static Task WriteAsync(HttpContext context, byte[] body)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    public static byte[] Serialize(ErrorBody body) => JsonSerializer.SerializeToUtf8Bytes(body, Readable.ErrorBody);

    /// <summary>An error of the gateway's; of anybody else's, with nothing in it.</summary>
    /// <exception cref="JsonException">It is no JSON, or of another shape.</exception>
    public static ErrorBody DeserializeError(byte[] body) => JsonSerializer.Deserialize(body, Readable.ErrorBody) ?? throw new JsonException("It says nothing.");

    public static byte[] Serialize(LimitsBody body) => JsonSerializer.SerializeToUtf8Bytes(body, Readable.LimitsBody);

    /// <exception cref="JsonException">It is something else.</exception>
    public static LimitsBody DeserializeLimits(byte[] body) => JsonSerializer.Deserialize(body, Readable.LimitsBody) ?? throw new JsonException("It says nothing.");

    public static byte[] Serialize(ModelsBody body) => JsonSerializer.SerializeToUtf8Bytes(body, Readable.ModelsBody);

    /// <exception cref="JsonException">It is something else.</exception>
    public static ModelsBody DeserializeModels(byte[] body) => JsonSerializer.Deserialize(body, Readable.ModelsBody) ?? throw new JsonException("It says nothing.");

    public static byte[] Serialize(PurgeBody body) => JsonSerializer.SerializeToUtf8Bytes(body, Readable.PurgeBody);

    /// <exception cref="JsonException">It is something else.</exception>
    public static PurgeBody DeserializePurge(byte[] body) => JsonSerializer.Deserialize(body, Readable.PurgeBody) ?? throw new JsonException("It says nothing.");

    public static byte[] Serialize(HealthBody body) => JsonSerializer.SerializeToUtf8Bytes(body, Readable.HealthBody);
}
