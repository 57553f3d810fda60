using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Authentication;

public class AuthenticationTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string Body = """{"inputs":"a heron"}""";

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer backend-key-0123456789abcde")]
    [InlineData("Bearer BACKEND-KEY-0123456789ABCDEF")]
    [InlineData("backend-key-0123456789abcdef")]
    [InlineData("Basic YmFja2VuZDpiYWNrZW5kLWtleQ==")]
    [InlineData("Bearer " + TestGateway.UpstreamToken)]
    [InlineData("Bearer a.b.c")]
    [InlineData("Bearer eyJhbGciOiJub25lIn0.e30.")]
    public async Task Without_a_known_key_it_is_401(string? authorization)
    {
        var before = fixture.HuggingFace.Received.Count;

        var answer = await AskAsync(authorization);

        answer.ShouldBe(401, "unauthenticated");
        answer.Header("WWW-Authenticate").ShouldBe("Bearer");
        fixture.HuggingFace.Received.Count.ShouldBe(before);
    }

    [Fact]
    public async Task A_key_in_the_query_or_another_header_does_not_count()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}?key={TestGateway.BackendKey}") { Content = TestGateway.Json(Body) };
        request.Headers.Add("X-Api-Key", TestGateway.BackendKey);

        (await fixture.Gateway.SendAsync(request)).ShouldBe(401, "unauthenticated");
    }

    [Theory]
    [InlineData("bearer ")]
    [InlineData("BEARER  ")]
    public async Task The_word_Bearer_may_be_in_any_case(string scheme) => (await AskAsync(scheme + TestGateway.BackendKey)).ShouldBeAnImage();

    [Fact]
    public async Task A_caller_given_by_the_hash_of_its_key_is_known()
    {
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes("studio-key")));
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, $"Callers:studio:KeySha256={hash}", "Callers:studio:Tier=free");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}") { Content = TestGateway.Json(Body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "studio-key");
        request.Headers.Add("X-Lumiku-Tier", "pro"); // It does not act for users: ignored.
        request.Headers.Add("X-Lumiku-User", "not a valid user id");

        var answer = await gateway.SendAsync(request);

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
    }

    [Theory]
    [InlineData("""{"sub":"u1","tier":"pro"}""", TestGateway.Dev)]
    [InlineData("""{"userId":42,"subscriptionTier":"Enterprise"}""", TestGateway.Dev)]
    [InlineData("""{"sub":"u1","tier":"basic"}""", TestGateway.Schnell)]
    [InlineData("""{"sub":"u1"}""", TestGateway.Schnell)]
    [InlineData("""{"sub":"u1","tier":"pro","subscriptionTier":"free"}""", TestGateway.Dev)]
    public async Task A_users_token_says_who_it_is_for_and_at_which_tier(string claims, string served)
    {
        var answer = await AskAsync($"Bearer {Token(claims)}");

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Served").ShouldBe(served);
    }

    [Fact]
    public async Task The_tier_headers_beside_a_token_are_ignored()
    {
        var answer = await AskAsync($"Bearer {Token("""{"sub":"u1","tier":"free"}""")}", request => request.Headers.Add("X-Lumiku-Tier", "pro"));

        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
    }

    public static TheoryData<string, string> BadTokens => new()
    {
        { "expired", Token("""{"sub":"u1"}""", expiresIn: TimeSpan.FromMinutes(-5)) },
        { "without expiry", Token("""{"sub":"u1"}""", expires: false) },
        { "not valid yet", Token($$"""{"sub":"u1","nbf":{{DateTimeOffset.MaxValue.ToUnixTimeSeconds()}}}""") },
        { "of another secret", Token("""{"sub":"u1"}""", secret: "another-secret-0123456789abcdefgh") },
        { "of another algorithm", Hs384Token() },
        { "with an extension called critical", Sign("""{"sub":"u1","exp":4102444800}""", GatewayFixture.JwtSecret, SecurityAlgorithms.HmacSha256, new() { ["crit"] = new List<string> { "x" } }) },
        { "unsigned", new JsonWebTokenHandler().CreateToken("""{"sub":"u1","exp":4102444800}""") },
        { "for nobody", Token("""{"tier":"pro"}""") },
        { "for an empty user", Token("""{"sub":"","tier":"pro"}""") },
        { "for a user that is an object", Token("""{"sub":{"a":1},"tier":"pro"}""") },
        { "cut", Token("""{"sub":"u1"}""")[..^4] },
    };

    [Theory]
    [MemberData(nameof(BadTokens))]
    public async Task A_token_that_cannot_be_trusted_is_401(string what, string token)
    {
        var answer = await AskAsync($"Bearer {token}");

        answer.ShouldBe(401, "unauthenticated");
        what.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("""{"sub":"u1","tier":"gold"}""", "unknown-tier")]
    [InlineData("""{"sub":"two words","tier":"pro"}""", "invalid-user")]
    public async Task A_trusted_token_with_a_wrong_tier_or_user_is_422(string claims, string type) =>
        (await AskAsync($"Bearer {Token(claims)}")).ShouldBe(422, type);

    /// <summary>Signed by hand: the library that checks signatures refuses to make one with so short a secret.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(20)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(70)]
    public async Task A_token_of_any_secret_that_is_accepted_is_trusted_and_one_byte_changed_it_is_not(int bytes)
    {
        var secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[..bytes];
        var signed = $"{Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8)}.{Base64Url.EncodeToString("""{"sub":"u1","exp":4102444800}"""u8)}";
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(signed));
        await using var gateway = await TestGateway.StartAsync(fixture.HuggingFace, $"JWT_SECRET={secret}");

        (await SendAsync(gateway, $"Bearer {signed}.{Base64Url.EncodeToString(signature)}")).ShouldBeAnImage();
        signature[7] ^= 1;
        (await SendAsync(gateway, $"Bearer {signed}.{Base64Url.EncodeToString(signature)}")).ShouldBe(401, "unauthenticated");
    }

    internal static string Token(string claims, TimeSpan? expiresIn = default, string secret = GatewayFixture.JwtSecret, bool expires = true)
    {
        var payload = System.Text.Json.Nodes.JsonNode.Parse(claims)!;
        payload["exp"] = (TimeProvider.System.GetUtcNow() + (expiresIn ?? TimeSpan.FromHours(1))).ToUnixTimeSeconds();
        if (!expires)
        {
            payload.AsObject().Remove("exp");
        }

        return Sign(payload.ToJsonString(), secret, SecurityAlgorithms.HmacSha256);
    }

    /// <summary>The right secret, the wrong algorithm.</summary>
    private static string Hs384Token() => Sign("""{"sub":"u1","exp":4102444800}""", GatewayFixture.JwtSecret, SecurityAlgorithms.HmacSha384);

    private static string Sign(string claims, string secret, string algorithm, Dictionary<string, object>? headers = null) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }
            .CreateToken(claims, new SigningCredentials(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret)), algorithm), headers ?? []);

    private Task<Answer> AskAsync(string? authorization, Action<HttpRequestMessage>? change = null) => SendAsync(fixture.Gateway, authorization, change);

    private static async Task<Answer> SendAsync(TestGateway gateway, string? authorization, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}") { Content = TestGateway.Json(Body) };
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        change?.Invoke(request);
        return await gateway.SendAsync(request);
    }
}
