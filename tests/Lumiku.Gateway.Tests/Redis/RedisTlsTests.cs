using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Redis;

/// <summary><c>rediss://</c>: a Redis whose certificate is trusted is used by TLS, and with no other is a word exchanged.</summary>
[Collection(Alone.Name)]
public sealed class RedisTlsTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("lumiku-tls-").FullName;
    private readonly int _port = RedisServer.FreePort();

    private RedisServer _redis = null!;
    private HuggingFaceSimulator _huggingFace = null!;

    private string Authority => Path.Combine(_directory, "authority.pem");

    public async ValueTask InitializeAsync()
    {
        WriteCertificates();
        _redis = await RedisServer.StartAsync(
            "--tls-port", $"{_port}", "--tls-cert-file", Path.Combine(_directory, "redis.pem"), "--tls-key-file", Path.Combine(_directory, "redis.key"),
            "--tls-auth-clients", "no", "--requirepass", "s3cret/with#signs");
        _huggingFace = await HuggingFaceSimulator.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _huggingFace.DisposeAsync();
        await _redis.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task One_that_is_trusted_serves_both_stores()
    {
        await using var gateway = await ServeAsync("localhost", new() { ["SSL_CERT_FILE"] = Authority });
        await Eventually.BeAsync(async () => await ReadyAsync(gateway) == """{"status":"ready"}""", "it is connected");

        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(FlightBench.Body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        (await Answer.ReadAsync(await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken))).ShouldBeAnImage();

        await Eventually.BeAsync(async () => await KeysAsync() >= 3, "a bucket, a manifest and pieces are there");
        (await ReadyAsync(gateway)).ShouldBe("""{"status":"ready"}""");
    }

    [Theory]
    [InlineData("localhost", false, "its certificate is signed by nobody whom this machine trusts (SSL_CERT_FILE can name a private authority)")]
    [InlineData("127.0.0.1", true, "its certificate is for another host name")]
    public async Task One_that_is_not_is_away_and_the_reason_is_told(string host, bool isTrusted, string reason)
    {
        await using var gateway = await ServeAsync(host, isTrusted ? new() { ["SSL_CERT_FILE"] = Authority } : []);

        await Eventually.BeAsync(async () => (await ReadyAsync(gateway)).Contains(reason, StringComparison.Ordinal), "the reason is told");

        (await ReadyAsync(gateway)).ShouldNotContain("s3cret");
        (await KeysAsync()).ShouldBe(0);
    }

    private Task<GatewayProcess> ServeAsync(string host, Dictionary<string, string> environment)
    {
        environment["REDIS_URL"] = $"rediss://:s3cret%2Fwith%23signs@{host}:{_port}";
        return GatewayProcess.ServeAsync(_huggingFace.Address, environment);
    }

    private static async Task<string> ReadyAsync(GatewayProcess gateway) => await gateway.Client.GetStringAsync("/health/ready");

    private async Task<int> KeysAsync() => int.Parse((await _redis.TellAsync("s3cret/with#signs", ["DBSIZE"])).TrimStart(':'), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>An authority of our own, and a certificate of it for <c>localhost</c>.</summary>
    private void WriteCertificates()
    {
        var (from, to) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(2));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Authority of the tests", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        using var authority = request.CreateSelfSigned(from, to);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        var redis = new CertificateRequest("CN=redis", key, HashAlgorithmName.SHA256);
        redis.CertificateExtensions.Add(names.Build());
        using var certificate = redis.Create(authority, from, to.AddHours(-1), [1, 2, 3, 4]);

        File.WriteAllText(Authority, authority.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_directory, "redis.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_directory, "redis.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
