using System.Net;
using Lumiku.Gateway.Generation.Fetching;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Fetching;

/// <summary>Listed hosts that lead where nothing may be fetched from: by their addresses, or by a redirect.</summary>
public class ForbiddenAddressTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("100.127.255.255")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.0.2.1")]
    [InlineData("192.88.99.1")]
    [InlineData("192.168.255.255")]
    [InlineData("198.18.0.1")]
    [InlineData("198.19.255.255")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("239.255.255.255")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::93.184.215.14")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("64:ff9b::169.254.169.254")]
    [InlineData("64:ff9b:1::93.184.215.14")]
    [InlineData("100::1")]
    [InlineData("2001:0:4136:e378:8000:63bf:3fff:fdd2")]
    [InlineData("2001:2::1")]
    [InlineData("2001:10::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("3fff::1")]
    [InlineData("5f00::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public async Task A_name_of_such_an_address_alone_or_among_others(string address)
    {
        foreach (IPAddress[] answer in new IPAddress[][] { [IPAddress.Parse(address)], [FetchBench.Address, IPAddress.Parse(address)], [IPAddress.Parse(address), FetchBench.Address] })
        {
            await using var bench = new FetchBench { Dns = _ => answer };

            (await bench.FetchAsync()).ShouldBe(FetchEnd.Forbidden, "lies at the host images.example, whose address is not public");

            bench.Canary.Connections.ShouldBe(0);
            bench.Dialled.ShouldBeEmpty();
        }
    }

    [Theory]
    [InlineData("93.184.215.14")]
    [InlineData("100.63.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("192.0.1.1")]
    [InlineData("198.20.0.1")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:2800:220:1::1")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("64:ff9b::93.184.215.14")]
    [InlineData("::ffff:93.184.215.14")]
    public void Their_neighbours_are_public(string address) => PublicAddresses.Contains(IPAddress.Parse(address)).ShouldBeTrue();

    [Fact]
    public async Task A_name_that_leads_elsewhere_the_next_time_is_asked_once_and_that_answer_is_connected_to()
    {
        var asked = 0;
        await using var bench = new FetchBench { Dns = _ => asked++ == 0 ? [FetchBench.Address] : [IPAddress.Loopback] };

        (await bench.FetchAsync()).ShouldBeDone().ShouldBe("image");

        asked.ShouldBe(1);
        bench.Dialled.ShouldBe([new IPEndPoint(FetchBench.Address, 443)]);
        (await bench.FetchAsync()).ShouldBe(FetchEnd.Forbidden, "whose address is not public"); // By now it is the next time.
        bench.ShouldHaveStayed();
    }

    [Fact]
    public async Task This_machines_name_may_only_be_this_machine()
    {
        await using var bench = new FetchBench { Dns = _ => [IPAddress.Loopback, FetchBench.Address], Hosts = ["localhost"] };

        (await bench.FetchAsync("http://localhost:{canary}/")).ShouldBe(FetchEnd.Forbidden, "lies at the host localhost");

        bench.Canary.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task An_address_that_is_listed_must_be_public_all_the_same()
    {
        await using var bench = new FetchBench { Hosts = ["10.0.0.1", "[fd00::1]"] };

        (await bench.FetchAsync("https://10.0.0.1/")).ShouldBe(FetchEnd.Forbidden, "whose address is not public");
        (await bench.FetchAsync("https://[fd00::1]/")).ShouldBe(FetchEnd.Forbidden, "whose address is not public");

        bench.Dialled.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("http://127.0.0.1:{canary}/", "which ImageHosts does not list")]
    [InlineData("http://localhost:{canary}/", "which ImageHosts does not list")]
    [InlineData("https://2130706433/", "which ImageHosts does not list")]
    [InlineData("https://169.254.169.254/latest/meta-data/", "which ImageHosts does not list")]
    [InlineData("https://evil.example/", "which ImageHosts does not list")]
    [InlineData("//evil.example/", "which ImageHosts does not list")]
    [InlineData("///evil.example/", "")]
    [InlineData("\\\\evil.example/", "has a character that no URL has")]
    [InlineData("/\\evil.example/", "has a character that no URL has")]
    [InlineData("https:\\\\evil.example/", "has a character that no URL has")]
    [InlineData("https:evil.example", "is not an https URL")]
    [InlineData("https://images.example@evil.example/", "has credentials in it")]
    [InlineData("//a:b@images.example/", "has credentials in it")]
    [InlineData("https://private.cdn.example/", "whose address is not public")]
    [InlineData("//private.cdn.example/", "whose address is not public")]
    [InlineData("http://images.example/a.png", "is not an https URL")]
    [InlineData("https://images.example:{canary}/", "that is not 443")]
    [InlineData("//images.example:{canary}/", "that is not 443")]
    [InlineData("https://images.example/#evil", "has a fragment")]
    [InlineData("#evil", "has a fragment")]
    [InlineData("file:///etc/passwd", "is not an https URL")]
    [InlineData("gopher://127.0.0.1:{canary}/_INFO", "is not an https URL")]
    [InlineData("data:image/png,secret", "is not an https URL")]
    [InlineData("", "is not an https URL")]
    [InlineData("https://images.example/b.png\r\nLocation: https://images.example/c.png", "is not an https URL")]
    public async Task A_redirect_to_where_the_first_url_might_not_lead_either(string location, string flaw)
    {
        await using var bench = new FetchBench { Dns = host => host == "private.cdn.example" ? [IPAddress.Loopback] : [FetchBench.Address] };
        bench.Server.Say(FetchBench.Redirect(bench.Ports(location)), FetchBench.Status(500));

        var fetched = await bench.FetchAsync();

        if (flaw.Length > 0)
        {
            fetched.ShouldBe(FetchEnd.Forbidden, flaw);
            bench.Server.Requests.Count.ShouldBe(1);
        }

        bench.ShouldHaveStayed();
    }

    [Fact]
    public async Task A_fourth_redirect_is_not_followed()
    {
        await using var bench = new FetchBench();
        bench.Server.Say(FetchBench.Redirect("/a.png"));

        (await bench.FetchAsync()).ShouldBe(FetchEnd.Forbidden, "redirects more than 3 times");

        bench.Server.Requests.Count.ShouldBe(4);
        bench.ShouldHaveStayed();
    }
}
