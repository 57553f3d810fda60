using Lumiku.Gateway.Generation.Fetching;
using Lumiku.Gateway.Tests.Support;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Fetching;

/// <summary>URLs that must lead nowhere: not a connection is made for them, to anything.</summary>
public class ForbiddenUrlTests
{
    private const string NotHttps = "is not an https URL";
    private const string NotListed = "which ImageHosts does not list";
    private const string NoCharacter = "has a character that no URL has";
    private const string Credentials = "has credentials in it";
    private const string Port = "that is not 443";

    [Theory]
    [InlineData("", NotHttps)]
    [InlineData("/etc/passwd", NotHttps)]
    [InlineData("images.example/a.png", NotHttps)]
    [InlineData("//images.example/a.png", NotHttps)]
    [InlineData("https:images.example/a.png", NotHttps)]
    [InlineData("https:/images.example/a.png", NotHttps)]
    [InlineData("https:///images.example/a.png", NotListed)]
    [InlineData("http://images.example/a.png", NotHttps)]
    [InlineData("HTTP://images.example:443/a.png", NotHttps)]
    [InlineData("file:///etc/passwd", NotHttps)]
    [InlineData("file://images.example/etc/passwd", NotHttps)]
    [InlineData("ftp://images.example/a.png", NotHttps)]
    [InlineData("gopher://127.0.0.1:{canary}/_INFO", NotHttps)]
    [InlineData("ws://images.example/", NotHttps)]
    [InlineData("javascript:alert(1)", NotHttps)]
    [InlineData("data:image/png;base64,iVBORw0KGgo=", NotHttps)]
    [InlineData("jar:https://images.example!/a.png", NotHttps)]
    public Task Another_scheme_than_https(string url, string flaw) => ShouldBeForbiddenAsync(url, flaw);

    [Theory]
    [InlineData("https://images.example@evil.example/a.png", Credentials)]
    [InlineData("https://images.example:443@evil.example/a.png", Credentials)]
    [InlineData("https://evil.example:x@images.example/a.png", Credentials)]
    [InlineData("https://@images.example/a.png", Credentials)]
    [InlineData("https://evil.example@images.example@evil.example/", Credentials)]
    [InlineData("https://images.example\\@evil.example/a.png", NoCharacter)]
    [InlineData("https://evil.example\\.cdn.example/a.png", NoCharacter)]
    [InlineData("https:\\\\images.example\\a.png", NoCharacter)]
    [InlineData("https://evil.example%2f.cdn.example/a.png", NotListed)]
    [InlineData("https://evil.example%23.cdn.example/a.png", NotListed)]
    [InlineData("https://images.example%2eevil.example/a.png", NotListed)]
    [InlineData("https://%69mages.example/a.png", NotListed)]
    [InlineData("https://evil.example?.cdn.example/a.png", NotListed)]
    [InlineData("https://evil.example#.cdn.example/a.png", "has a fragment")]
    [InlineData("https://images.example/a.png#@evil.example", "has a fragment")]
    [InlineData("https://images.example/a.png\r\nX-Evil: 1", NoCharacter)]
    [InlineData("https://images.example/a.png HTTP/1.1", NoCharacter)]
    [InlineData("https://images.example\t.evil.example/", NoCharacter)]
    [InlineData("https://images.example\0.evil.example/", NoCharacter)]
    [InlineData(" https://images.example/a.png", NoCharacter)]
    public Task A_text_that_two_readers_read_in_two_ways(string url, string flaw) => ShouldBeForbiddenAsync(url, flaw);

    [Theory]
    [InlineData("https://evil.example/a.png")]
    [InlineData("https://images.example.evil.example/a.png")]
    [InlineData("https://evilimages.example/a.png")]
    [InlineData("https://images-example/a.png")]
    [InlineData("https://a.images.example/a.png")]
    [InlineData("https://images.example./a.png")]
    [InlineData("https://cdn.example/a.png")]
    [InlineData("https://evilcdn.example/a.png")]
    [InlineData("https://.cdn.example/a.png")]
    [InlineData("https://a..cdn.example/a.png")]
    [InlineData("https://a.cdn.example./a.png")]
    [InlineData("https://a.cdn.example.evil.example/a.png")]
    [InlineData("https://*.cdn.example/a.png")]
    [InlineData("https://a_b!.cdn.example/a.png")]
    [InlineData("https://xn--imges-iqa.example/a.png")]
    [InlineData("https:///a.png")]
    [InlineData("https://")]
    public Task A_host_that_only_looks_like_a_listed_one(string url) => ShouldBeForbiddenAsync(url, NotListed);

    [Theory]
    [InlineData("https://images\u3002example/a.png")]
    [InlineData("https://127\uff0e0\uff0e0\uff0e1/a.png")]
    [InlineData("https://\uff49mages.example/a.png")]
    [InlineData("https://im\u0430ges.example/a.png")]
    [InlineData("https://evil.example\u2044.cdn.example/a.png")]
    [InlineData("https://\u2460\u2461\u2466.0.0.1/a.png")]
    [InlineData("https://images.example\u200b/a.png")]
    public Task A_host_in_letters_that_become_others(string url) => ShouldBeForbiddenAsync(url, NoCharacter);

    [Theory]
    [InlineData("https://images.example:8443/a.png", Port)]
    [InlineData("https://images.example:80/a.png", Port)]
    [InlineData("https://images.example:{canary}/a.png", Port)]
    [InlineData("https://images.example:/a.png", Port)]
    [InlineData("https://images.example:0443/a.png", Port)]
    [InlineData("https://images.example:65979/a.png", Port)]
    [InlineData("https://images.example:443:443/a.png", NotListed)]
    [InlineData("https://images.example:-443/a.png", Port)]
    public Task Another_port_than_443(string url, string flaw) => ShouldBeForbiddenAsync(url, flaw);

    [Theory]
    [InlineData("https://127.0.0.1/")]
    [InlineData("http://127.0.0.1:{canary}/", NotListed)]
    [InlineData("http://localhost:{canary}/", NotListed)]
    [InlineData("http://LOCALHOST.:{canary}/", NotListed)]
    [InlineData("http://[::1]:{canary}/", NotListed)]
    [InlineData("https://127.1/")]
    [InlineData("https://127.0.1/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0x7f000001/")]
    [InlineData("https://0x7f.0.0.1/")]
    [InlineData("https://0x7F.1/")]
    [InlineData("https://0177.0.0.1/")]
    [InlineData("https://017700000001/")]
    [InlineData("https://127.0.0.1./")]
    [InlineData("https://0/")]
    [InlineData("https://0.0.0.0/")]
    [InlineData("https://[::]/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[0:0:0:0:0:0:0:1]/")]
    [InlineData("https://[::127.0.0.1]/")]
    [InlineData("https://[::ffff:127.0.0.1]/")]
    [InlineData("https://[::ffff:7f00:1]/")]
    [InlineData("https://[64:ff9b::127.0.0.1]/")]
    [InlineData("https://[2002:7f00:1::]/")]
    [InlineData("https://[fe80::1%25lo]/")]
    [InlineData("https://[::1%lo]/")]
    [InlineData("https://[::1/")]
    [InlineData("https://::1/")]
    [InlineData("https://10.0.0.1/")]
    [InlineData("https://192.168.1.1/")]
    [InlineData("https://169.254.169.254/latest/meta-data/")]
    [InlineData("https://0xA9FEA9FE/latest/meta-data/")]
    [InlineData("https://93.184.215.14/")] // The server's own, public: an address is listed, or not.
    public Task An_address_in_any_spelling(string url, string flaw = NotListed) => ShouldBeForbiddenAsync(url, flaw);

    [Theory]
    [InlineData("http://127.1:{canary}/")]
    [InlineData("http://127.0.0.2:{canary}/")]
    [InlineData("http://2130706433:{canary}/")]
    [InlineData("http://0x7f.0.0.1:{canary}/")]
    [InlineData("http://0177.0.0.1:{canary}/")]
    [InlineData("http://127.0.0.1.:{canary}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{canary}/")]
    [InlineData("http://[0:0:0:0:0:0:0:1]:{canary}/")]
    [InlineData("http://localhost.:{canary}/")]
    [InlineData("http://a.localhost:{canary}/")]
    [InlineData("http://a@localhost:{canary}/", Credentials)]
    [InlineData("http://localhost:0{canary}/", "can be read in two ways")]
    [InlineData("http://localhost:/", "can be read in two ways")]
    [InlineData("ftp://localhost:{canary}/", NotHttps)]
    public Task This_machine_where_it_is_listed_but_in_other_letters(string url, string flaw = NotListed) =>
        ShouldBeForbiddenAsync(url, flaw, "127.0.0.1", "localhost", "[::1]");

    [Fact]
    public Task A_url_longer_than_any() => ShouldBeForbiddenAsync($"https://images.example/{new string('a', 8 * 1024)}", "is longer than 8192 characters");

    [Fact]
    public Task Anything_where_no_host_is_listed() => ShouldBeForbiddenAsync("https://images.example/a.png", NotListed, hosts: "");

    [Fact]
    public async Task The_reason_has_neither_credentials_nor_path_nor_query()
    {
        await using var bench = new FetchBench();

        foreach (var url in new[] { "https://evil.example/secret?secret=1", "https://secret:secret@images.example/secret", "https://images.example:8443/secret?secret", "ftp://secret/" })
        {
            Assert.DoesNotContain("secret", (await bench.FetchAsync(url)).Flaw, StringComparison.Ordinal);
        }
    }

    private static async Task ShouldBeForbiddenAsync(string url, string flaw, params string[] hosts)
    {
        await using var bench = new FetchBench();
        bench.Hosts = hosts.Length == 0 ? bench.Hosts : hosts;

        var fetched = await bench.FetchAsync(url);

        fetched.ShouldBe(FetchEnd.Forbidden, flaw);
        bench.ShouldHaveStayed();
        Assert.Empty(bench.Dialled);
    }
}
