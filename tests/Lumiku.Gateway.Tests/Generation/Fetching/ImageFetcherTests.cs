using System.Diagnostics;
using System.Net;
using Lumiku.Gateway.Generation.Fetching;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Fetching;

/// <summary>An image is fetched from a listed host, as a stranger would fetch it, and again where that may help.</summary>
public class ImageFetcherTests
{
    [Theory]
    [InlineData("https://images.example/a.png")]
    [InlineData("https://images.example:443/a.png?X-Signature=a%2Fb==&e=1")]
    [InlineData("HTTPS://Images.EXAMPLE/a.png")]
    [InlineData("https://a.cdn.example/")]
    [InlineData("https://images.example?e=1")]
    [InlineData("https://images.example/@evil.example:80/../b:c")]
    public async Task From_a_host_whose_certificate_is_good(string url)
    {
        await using var bench = new FetchBench();

        (await bench.FetchAsync(url)).ShouldBeDone().ShouldBe("image");

        bench.ShouldHaveStayed();
        bench.Server.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("http://localhost:{server}/", "localhost", true)]
    [InlineData("http://127.0.0.1:{server}/", "127.0.0.1", true)]
    [InlineData("http://[::1]:{server}/", "[::1]", true)]
    [InlineData("https://localhost:{server}/", "localhost", false)]
    public async Task From_this_machine_where_that_is_listed(string url, string host, bool isPlain)
    {
        await using var bench = new FetchBench(isPlain: isPlain) { Hosts = [host], Dns = _ => [IPAddress.Loopback] };

        (await bench.FetchAsync(url)).ShouldBeDone().ShouldBe("image");
    }

    [Fact]
    public async Task A_name_beyond_ascii_in_the_list_is_the_name_that_DNS_has_for_it()
    {
        await using var bench = new FetchBench(certified: ["xn--bcher-kva.example"]) { Hosts = ["BÜCHER.example"] };

        (await bench.FetchAsync("https://xn--bcher-kva.example/")).ShouldBeDone();
    }

    [Fact]
    public async Task Nothing_is_sent_but_what_is_asked_for_and_who_asks()
    {
        await using var bench = new FetchBench();
        bench.Server.Say(FetchBench.Status(302, "Location: /b.png\r\nSet-Cookie: a=b; Domain=images.example\r\n"), FetchBench.Ok("image"));
        using var listener = new ActivityListener { ShouldListenTo = _ => true, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData };
        ActivitySource.AddActivityListener(listener);
        using var activity = new Activity("caller").AddBaggage("user", "anna").SetIdFormat(ActivityIdFormat.W3C).Start();
        activity.TraceStateString = "secret=1";

        (await bench.FetchAsync("https://images.example/a.png?signature=1")).ShouldBeDone();

        var version = typeof(ImageFetcher).Assembly.GetName().Version!.ToString(3);
        bench.Server.Requests.ShouldBe(
        [
            $"GET /a.png?signature=1 HTTP/1.1\r\nHost: images.example\r\nAccept: image/png, image/jpeg, image/webp\r\nUser-Agent: lumiku-gateway/{version}\r\n\r\n",
            $"GET /b.png HTTP/1.1\r\nHost: images.example\r\nAccept: image/png, image/jpeg, image/webp\r\nUser-Agent: lumiku-gateway/{version}\r\n\r\n",
        ]);
    }

    [Theory]
    [InlineData("https://a.cdn.example/b.png", "a.cdn.example", "/b.png")]
    [InlineData("//a.cdn.example/b.png?c=d:e", "a.cdn.example", "/b.png?c=d:e")]
    [InlineData("/b.png", "images.example", "/b.png")]
    [InlineData("b.png", "images.example", "/b.png")]
    [InlineData("?b=c", "images.example", "/a.png?b=c")]
    public async Task Along_a_redirect_to_a_listed_host(string location, string host, string path)
    {
        foreach (var status in new[] { 301, 302, 303, 307, 308 })
        {
            await using var bench = new FetchBench();
            bench.Server.Say(FetchBench.Status(status, $"Location: {location}\r\n"), FetchBench.Ok("image"));

            (await bench.FetchAsync()).ShouldBeDone().ShouldBe("image");

            bench.Server.Requests[1].ShouldStartWith($"GET {path} HTTP/1.1\r\nHost: {host}\r\n");
        }
    }

    [Fact]
    public async Task Along_three_redirects()
    {
        await using var bench = new FetchBench();
        bench.Server.Say(FetchBench.Redirect("/b"), FetchBench.Redirect("/c"), FetchBench.Redirect("/d"), FetchBench.Ok("image"));

        (await bench.FetchAsync()).ShouldBeDone();
    }

    [Theory]
    [InlineData("HTTP/1.1 503 So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 500 So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 408 So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 429 So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nima")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nimage\r\n")]
    public async Task What_may_pass_is_tried_again_and_twice_at_most(string failure)
    {
        await using var bench = new FetchBench();
        bench.Server.Say(failure, failure, FetchBench.Ok("image"));

        (await bench.FetchAsync()).ShouldBeDone().ShouldBe("image");
        bench.Server.Requests.Count.ShouldBe(3);

        bench.Server.Say(failure);
        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, "images.example");
        bench.Server.Requests.Count.ShouldBe(6);
    }

    [Fact]
    public async Task A_connection_that_ends_without_a_word_is_followed_by_another()
    {
        await using var bench = new FetchBench();
        bench.Server.Say("", FetchBench.Ok("image"));

        (await bench.FetchAsync()).ShouldBeDone();

        bench.Server.Say("");
        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, "images.example");
        bench.Server.Requests.Count.ShouldBe(2 + 3 * 4, "HttpClient asks three more times by itself then");
    }

    [Theory]
    [InlineData(403, FetchEnd.Gone)]
    [InlineData(404, FetchEnd.Gone)]
    [InlineData(410, FetchEnd.Gone)]
    [InlineData(400, FetchEnd.Failed)]
    [InlineData(401, FetchEnd.Failed)]
    public async Task What_will_not_pass_is_not_tried_again(int status, object end)
    {
        await using var bench = new FetchBench();
        bench.Server.Say(FetchBench.Status(status));

        (await bench.FetchAsync()).ShouldBe((FetchEnd)end, $"was answered with {status} by images.example");

        bench.Server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_address_that_does_not_answer_is_followed_by_the_next_one()
    {
        IPAddress[] addresses = [IPAddress.Parse("2606:2800:220:1::1"), FetchBench.Address];
        await using var bench = new FetchBench { Dns = _ => addresses, Refusals = 1 };

        (await bench.FetchAsync()).ShouldBeDone();

        bench.Dialled.Select(endpoint => endpoint.Address).ShouldBe(addresses);
    }

    [Fact]
    public async Task Without_any_connection_it_is_tried_three_times_and_so_is_a_name_that_nobody_knows()
    {
        await using var bench = new FetchBench { Refusals = 3 };

        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, "had no connection to images.example");
        bench.Dialled.Count.ShouldBe(3);

        var asked = 0;
        bench.Dns = _ => asked++ < 3 ? [] : [FetchBench.Address];
        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, "which DNS does not know");
        asked.ShouldBe(3);
        (await bench.FetchAsync()).ShouldBeDone();
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{0}", 1000, true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{0}", 999, false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n{0}\r\n0\r\n\r\n", 1000, true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n{0}\r\n0\r\n\r\n", 999, false)]
    public async Task The_limit_is_the_size_of_the_largest_image(string answer, int limit, bool isDone)
    {
        var content = new string('i', 1000);
        await using var bench = new FetchBench();
        bench.Server.Say(answer.Replace("{0}", content, StringComparison.Ordinal));

        var fetched = await bench.FetchAsync(limit: limit);

        if (isDone)
        {
            fetched.ShouldBeDone().ShouldBe(content);
        }
        else
        {
            fetched.ShouldBe(FetchEnd.TooLarge, "gave more than 999 bytes");
        }
    }

    [Fact]
    public async Task A_large_one_comes_whole_and_in_order()
    {
        var content = string.Concat(Enumerable.Range(0, 500_000).Select(i => $"{i:x6}"));
        await using var bench = new FetchBench();
        bench.Server.Say(FetchBench.Ok(content));

        (await bench.FetchAsync(limit: content.Length)).ShouldBeDone().ShouldBe(content);
    }

    [Fact]
    public async Task Nobody_waits_beyond_the_deadline()
    {
        await using var bench = new FetchBench();
        using var deadline = new CancellationTokenSource();
        bench.Server.Answer = async (_, _, cancellationToken) =>
        {
            await deadline.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        };

        await Should.ThrowAsync<OperationCanceledException>(() => bench.FetchAsync(deadline: deadline.Token));

        bench.Server.Requests.Count.ShouldBe(1);
    }
}
