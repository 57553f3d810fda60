using System.Net;
using Lumiku.Gateway.Generation.Fetching;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Fetching;

/// <summary>Whom a fetch trusts on its way: a certificate for the host's name, and no proxy.</summary>
[Collection(Alone.Name)]
public class ImageCertificateTests
{
    private const string BadCertificate = "lies at the host images.example, whose certificate is not good for it";

    [Theory]
    [InlineData("evil.example")]
    [InlineData("*.images.example")]
    [InlineData("93.184.215.14")]
    public async Task A_certificate_for_another_name_is_bad(string name)
    {
        await using var bench = new FetchBench(certified: [name]);

        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, BadCertificate);

        bench.Server.Requests.ShouldBeEmpty();
        bench.Dialled.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_certificate_of_an_authority_that_nobody_trusts_is_bad_and_where_it_says_its_issuer_is_had_is_not_asked()
    {
        await using var bench = new FetchBench(isTrusted: false);

        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, BadCertificate);

        bench.Server.Requests.ShouldBeEmpty();
        bench.ShouldHaveStayed();
    }

    [Fact]
    public async Task A_proxy_of_the_environment_is_not_asked()
    {
        var before = HttpClient.DefaultProxy;
        await using var bench = new FetchBench();
        HttpClient.DefaultProxy = new WebProxy("127.0.0.1", bench.Canary.Port);
        try
        {
            (await bench.FetchAsync()).ShouldBeDone().ShouldBe("image");
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }

        bench.ShouldHaveStayed();
    }
}
