using Lumiku.Gateway.Tests.Support;
using Xunit;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>Requests by their bytes, and what becomes of each. What comes behind one in the same write is <see cref="Canary"/>.</summary>
internal static class RequestShapes
{
    /// <summary>A whole request that must be answered where the one before it was understood, and never be seen where it was not.</summary>
    public const string Canary = $"GET /models/{TestGateway.Xl} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\nConnection: close\r\n\r\n";

    private const string Json = """{"inputs":"a heron"}""";
    private const string Target = $"/models/{TestGateway.Sd3}";
    private const string Chunked = "Transfer-Encoding: chunked\r\n";
    private static readonly string Length = $"Content-Length: {Json.Length}\r\n";
    private static readonly string Chunk = $"{Json.Length:x}\r\n{Json}\r\n";
    private static readonly string Chunks = $"{Chunk}0\r\n\r\n";

    /// <summary>Both readings are tried: by the one the canary is a request, by the other it is content.</summary>
    public static TheoryData<string, string> Refused => new()
    {
        { "length and chunks", Post(Length + Chunked, Chunks) },
        { "chunks and length", Post(Chunked + Length, Chunks) },
        { "length 0 and chunks", Post("Content-Length: 0\r\n" + Chunked, Chunks) },
        { "two lengths", Post(Length + "Content-Length: 5\r\n", Json) },
        { "the same length twice", Post(Length + Length, Json) },
        { "a list of lengths", Post($"Content-Length: {Json.Length}, {Json.Length}\r\n", Json) },
        { "a length below zero", Post("Content-Length: -1\r\n", Json) },
        { "a length with a space in it", Post("Content-Length: 2 0\r\n", Json) },
        { "a length in hex", Post("Content-Length: 0x14\r\n", Json) },
        { "a length too large to count", Post("Content-Length: 99999999999999999999\r\n", Json) },
        { "an empty length", Post("Content-Length: \r\n", Json) },
        { "xchunked", Post("Transfer-Encoding: xchunked\r\n", Chunks) },
        { "chunked, identity", Post("Transfer-Encoding: chunked, identity\r\n", Chunks) },
        { "identity, chunked", Post("Transfer-Encoding: identity, chunked\r\n", Chunks) },
        { "gzip, chunked", Post("Transfer-Encoding: gzip, chunked\r\n", Chunks) },
        { "identity", Post("Transfer-Encoding: identity\r\n" + Length, Json) },
        { "quoted chunked", Post("Transfer-Encoding: \"chunked\"\r\n", Chunks) },
        { "chunked behind a vertical tab", Post("Transfer-Encoding: \vchunked\r\n", Chunks) },
        { "chunked on a folded line", Post("Transfer-Encoding:\r\n chunked\r\n", Chunks) },
        { "chunked twice", Post(Chunked + Chunked, Chunks) },
        { "chunked, chunked", Post("Transfer-Encoding: chunked, chunked\r\n", Chunks) },
        { "chunks in HTTP/1.0", Post(Chunked + "Connection: keep-alive\r\n", Chunks, "HTTP/1.0") },
        { "chunks and length in HTTP/1.0", Post(Length + Chunked, Chunks, "HTTP/1.0") },
        { "space before the colon", Post($"Content-Length : {Json.Length}\r\n", Json) },
        { "space before chunked's colon", Post("Transfer-Encoding : chunked\r\n", Chunks) },
        { "a folded header", Post(Length + "X-A: b\r\n c\r\n", Json) },
        { "a first header that is folded", $"POST {Target} HTTP/1.1\r\n Host: gateway\r\n{Key}{Length}\r\n{Json}" },
        { "a header without a colon", Post(Length + "nonsense\r\n", Json) },
        { "a header without a name", Post(Length + ": x\r\n", Json) },
        { "a chunk extension ended by a line feed", Post(Chunked, $"{Json.Length:x};a\n{Json}\r\n0\r\n\r\n") },
        { "a chunk extension with a carriage return", Post(Chunked, $"{Json.Length:x};a\rb\r\n{Json}\r\n0\r\n\r\n") },
        { "a chunk size ended by a line feed", Post(Chunked, $"{Json.Length:x}\n{Json}\r\n0\r\n\r\n") },
        { "a chunk ended by a line feed", Post(Chunked, $"{Json.Length:x}\r\n{Json}\n0\r\n\r\n") },
        { "chunks ended by a line feed", Post(Chunked, $"{Chunk}0\n\n") },
        { "a chunk size as 0x", Post(Chunked, $"0x{Chunk}0\r\n\r\n") },
        { "a chunk size of no hex", Post(Chunked, $"zz\r\n{Json}\r\n0\r\n\r\n") },
        { "a chunk size below zero", Post(Chunked, $"-{Chunk}0\r\n\r\n") },
        { "a chunk size with a space", Post(Chunked, $"{Json.Length:x} \r\n{Json}\r\n0\r\n\r\n") },
        { "a chunk size of 18 digits", Post(Chunked, $"FFFFFFFFFFFFFFFFFF\r\n{Json}\r\n0\r\n\r\n") },
        { "a chunk size of 17 digits that wrap around", Post(Chunked, $"1000000000000000{Chunk}0\r\n\r\n") },
        { "a chunk size with 40 zeros before it", Post(Chunked, $"{new string('0', 40)}{Chunk}0\r\n\r\n") },
        { "an empty chunk size", Post(Chunked, $"\r\n{Json}\r\n0\r\n\r\n") },
        { "a chunk larger than it says", Post(Chunked, $"4\r\n{Json}\r\n0\r\n\r\n") },
        { "line feeds alone", Post(Length, Json).Replace("\r\n", "\n", StringComparison.Ordinal) },
        { "a line feed after the request line", Post(Length, Json).Replace("HTTP/1.1\r\n", "HTTP/1.1\n", StringComparison.Ordinal) },
        { "a line feed after a header", Post(Length + "X-A: b\nX-B: c\r\n", Json) },
        { "a line feed that ends the headers", Post(Length + "X-A: b\r\n\n", Json) },
        { "a carriage return in a value", Post(Length + "X-A: b\rc\r\n", Json) },
        { "a NUL in a value", Post(Length + "X-A: b\0c\r\n", Json) },
        { "a control byte in a value", Post(Length + "X-A: b\u0001c\r\n", Json) },
        { "a delete byte in a value", Post(Length + "X-A: b\u007fc\r\n", Json) },
        { "a high byte in a value", Post(Length + "X-A: b\u00ffc\r\n", Json) },
        { "a NUL in a name", Post(Length + "X\0A: b\r\n", Json) },
        { "a NUL in the target", Post(Length, Json, target: "/models/a\0b") },
        { "an escaped NUL in the target", Post(Length, Json, target: "/models/a%00b") },
        { "a control byte in the target", Post(Length, Json, target: "/models/a\u0001b") },
        { "a high byte in the target", Post(Length, Json, target: "/models/a\u00ffb") },
        { "a space in the target", Post(Length, Json, target: "/models/a b") },
        { "a tab in the target", Post(Length, Json, target: "/models/a\tb") },
        { "a fragment", Post(Length, Json, target: Target + "#x") },
        { "a NUL in the method", Post(Length, Json).Replace("POST", "PO\0ST", StringComparison.Ordinal) },
        { "no target", Post(Length, Json, target: "") },
        { "a target without a slash", Post(Length, Json, target: "models/a/b") },
        { "an absolute target of another host", Post(Length, Json, target: "http://elsewhere" + Target) },
        { "an absolute target with a user", Post(Length, Json, target: "http://a@gateway" + Target) },
        { "no host", Post(Length, Json).Replace("Host: gateway\r\n", "", StringComparison.Ordinal) },
        { "two hosts", Post(Length + "Host: elsewhere\r\n", Json) },
        { "a host with a path", Post(Length, Json).Replace("Host: gateway", "Host: gateway/x", StringComparison.Ordinal) },
        { "a host with a user", Post(Length, Json).Replace("Host: gateway", "Host: a@gateway", StringComparison.Ordinal) },
        { "an upgrade to websocket", $"GET {Target} HTTP/1.1\r\nHost: gateway\r\n{Key}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" },
        { "an upgrade to anything", Post(Length + "Connection: Upgrade\r\nUpgrade: x\r\n", Json) },
        { "HTTP/0.9", $"GET {Target}\r\n" },
        { "TLS", "\u0016\u0003\u0001\u0000\u00a5\u0001\u0000\u0000\u00a1\u0003\u0003\r\n\r\n" },
        { "rubbish", "\u00ff\u00fe\u0000\u0001\r\n\r\n" },
    };

    public static TheoryData<string, int, string> RefusedOtherwise => new()
    {
        { "HTTP/1.2", 505, Post(Length, Json, "HTTP/1.2") },
        { "a target that is an authority", 405, Post(Length, Json, target: "gateway:80") },
        { "CONNECT", 405, "CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n" },
        { "CONNECT with our key", 405, $"CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n{Key}\r\n" },
        { "OPTIONS *", 405, $"OPTIONS * HTTP/1.1\r\nHost: gateway\r\n{Key}\r\n" },
        { "a request line of 9 kB", 414, Post(Length, Json, target: "/models/" + new string('a', 9_000)) },
        { "a header of 40 kB", 431, Post(Length + $"X-A: {new string('a', 40_000)}\r\n", Json) },
        { "101 headers", 431, Post(Length + string.Concat(Enumerable.Range(0, 101).Select(i => $"X-{i}: a\r\n")), Json) },
    };

    /// <summary>Refused, or served, and what follows is another request.</summary>
    public static TheoryData<string, int, int, string> Understood => new()
    {
        { "length", 200, 1, Post(Length, Json) },
        { "chunks", 200, 1, Post(Chunked, Chunks) },
        { "chunks in capitals", 200, 1, Post("TRANSFER-ENCODING: CHUNKED\r\n", Chunks) },
        { "a chunk extension", 200, 1, Post(Chunked, $"{Json.Length:x};a=b\r\n{Json}\r\n0;c\r\n\r\n") },
        { "trailers, a length among them", 200, 1, Post(Chunked, $"{Chunk}0\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\nX-Lumiku-Tier: internal\r\n\r\n") },
        { "a length with a plus", 200, 1, Post($"Content-Length: +{Json.Length}\r\n", Json) },
        { "an empty line before", 200, 1, "\r\n" + Post(Length, Json) },
        { "HTTP/1.0 that is kept alive", 200, 1, Post(Length + "Connection: keep-alive\r\n", Json, "HTTP/1.0") },
        { "an absolute target", 200, 1, Post(Length, Json, target: "http://gateway" + Target) },
        { "headers that Connection names", 200, 1, Post(Length + "Connection: X-Lumiku-Tier, Authorization\r\n", Json) },
        { "a control byte in a name", 200, 1, Post(Length + "X\u0001A: b\r\n", Json) },
        { "two slashes", 404, 0, Post(Length, Json, target: "/" + Target) },
        { "a backslash", 404, 0, Post(Length, Json, target: "/models\\a\\b") },
        { "PUT", 405, 0, Post(Length, Json).Replace("POST", "PUT", StringComparison.Ordinal) },
        { "TRACE", 405, 0, $"TRACE {Target} HTTP/1.1\r\nHost: gateway\r\n{Key}\r\n" },
        { "OPTIONS", 405, 0, $"OPTIONS {Target} HTTP/1.1\r\nHost: gateway\r\n{Key}\r\n" },
        { "a method in lower case", 405, 0, Post(Length, Json).Replace("POST", "post", StringComparison.Ordinal) },
        { "a method that nobody knows", 405, 0, Post(Length, Json).Replace("POST", "FOO", StringComparison.Ordinal) },
        // An answer before the body has been looked at: the body is a request itself, and still no request.
        { "a wrong key and a request as body", 401, 0, Post($"Content-Length: {Canary.Length}\r\n", Canary).Replace(TestGateway.BackendKey + "\r\nContent-Type", "wrong\r\nContent-Type", StringComparison.Ordinal) },
        { "a wrong label and a request as body", 415, 0, Post($"Content-Length: {Canary.Length}\r\n", Canary).Replace("application/json", "text/plain", StringComparison.Ordinal) },
        { "no JSON but a request as body", 400, 0, Post($"Content-Length: {Canary.Length}\r\n", Canary) },
        { "a wrong method and a request as body", 405, 0, Post($"Content-Length: {Canary.Length}\r\n", Canary).Replace("POST", "DELETE", StringComparison.Ordinal) },
        { "GET and a request as body", 200, 1, Post($"Content-Length: {Canary.Length}\r\n", Canary).Replace("POST", "GET", StringComparison.Ordinal) },
    };

    private static string Key => $"Authorization: Bearer {TestGateway.BackendKey}\r\n";

    private static string Post(string headers, string body, string version = "HTTP/1.1", string target = Target) =>
        $"POST {target} {version}\r\nHost: gateway\r\n{Key}Content-Type: application/json\r\n{headers}\r\n{body}";
}
