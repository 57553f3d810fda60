using Lumiku.Gateway.Generation.Fetching;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Fetching;

/// <summary>What a list of hosts may hold.</summary>
public class ImageHostsTests
{
    [Theory]
    [InlineData("images.example")]
    [InlineData("Images.Example")]
    [InlineData("*.cdn.example")]
    [InlineData("*.r2.dev")]
    [InlineData("bücher.example")]
    [InlineData("xn--bcher-kva.example")]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("93.184.215.14")]
    [InlineData("[2606:2800:220:1::1]")]
    public void These_are_good(string entry)
    {
        ImageHosts.Check(entry).ShouldBeNull();
        ImageHosts.Contains([entry], entry.Replace("*", "a.b", StringComparison.Ordinal).Replace("bücher", "xn--bcher-kva", StringComparison.Ordinal)).ShouldBeTrue();
    }

    [Theory]
    [InlineData("", "is no host name")]
    [InlineData(" ", "is no host name")]
    [InlineData("*", "may have '*' only as its first label")]
    [InlineData("*.*", "may have '*' only as its first label")]
    [InlineData("*.*.example", "may have '*' only as its first label")]
    [InlineData("a.*.example", "may have '*' only as its first label")]
    [InlineData("*cdn.example", "may have '*' only as its first label")]
    [InlineData("*.", "is no host name")]
    [InlineData("*.com", "opens all of '.com'")]
    [InlineData("*.co.uk", "opens all of '.co.uk'")]
    [InlineData("*.localhost", "opens all of '.localhost'")]
    [InlineData("intranet", "is a name without a domain")]
    [InlineData("https://images.example", "is more than a host name")]
    [InlineData("images.example/", "is more than a host name")]
    [InlineData("a@images.example", "is more than a host name")]
    [InlineData("images.example\\", "is more than a host name")]
    [InlineData("images.example:443", "is no host name")]
    [InlineData("images.example.", "is no host name")]
    [InlineData(".images.example", "is no host name")]
    [InlineData("images..example", "is no host name")]
    [InlineData("ima ges.example", "is no host name")]
    [InlineData("images%2eexample", "is no host name")]
    [InlineData("-images.example", "is no host name")]
    [InlineData("10.0.0.1", "is an address that is not public")]
    [InlineData("169.254.169.254", "is an address that is not public")]
    [InlineData("[fd00::1]", "is an address that is not public")]
    [InlineData("::1", "is an address: write it as [::1]")]
    [InlineData("127.1", "is an address: write it as 127.0.0.1")]
    [InlineData("2130706433", "is an address: write it as 127.0.0.1")]
    [InlineData("0x7f.0.0.1", "is an address: write it as 127.0.0.1")]
    [InlineData("127.0.0.1.", "is no host name")]
    [InlineData("1.2.3.4.5", "is no host name")]
    [InlineData("*.0.0.1", "asks for what is below an address")]
    [InlineData("*.2.3.4.5.6", "is no host name")]
    public void These_are_told_why_not_and_lead_nowhere(string entry, string why)
    {
        ImageHosts.Check(entry)!.ShouldContain(why);
    }

    [Fact]
    public void A_label_too_long_or_a_name_too_long_is_none()
    {
        ImageHosts.Check($"{new string('a', 64)}.example")!.ShouldBe("is no host name");
        ImageHosts.Check($"{string.Join('.', Enumerable.Repeat("aaaaaaaaa", 30))}.example")!.ShouldBe("is no host name");
    }
}
