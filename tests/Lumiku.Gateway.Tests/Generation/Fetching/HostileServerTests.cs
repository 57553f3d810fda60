using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Lumiku.Gateway.Generation.Fetching;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Generation.Fetching;

/// <summary>Listed hosts that mean harm: they cost a bounded time and memory, and nothing else.</summary>
public class HostileServerTests
{
    private static readonly FetchBounds Short = FetchBench.Bounds with { Whole = TimeSpan.FromMilliseconds(700) };

    [Fact]
    public async Task A_body_announced_as_larger_than_allowed_is_not_read()
    {
        await using var bench = new FetchBench();
        bench.Server.Answer = async (_, stream, cancellationToken) =>
        {
            await RawServer.WriteAsync(stream, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", cancellationToken);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        };

        (await bench.FetchAsync(limit: 1000)).ShouldBe(FetchEnd.TooLarge, "gave more than 1000 bytes");
        bench.Server.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\n", "400\r\n", "\r\n")]
    [InlineData("Connection: close\r\n", "", "")]
    public async Task A_body_of_unknown_size_is_read_up_to_the_limit(string header, string before, string after)
    {
        long sent = 0;
        await using var bench = new FetchBench();
        bench.Server.Answer = async (_, stream, cancellationToken) =>
        {
            await RawServer.WriteAsync(stream, $"HTTP/1.1 200 OK\r\n{header}\r\n", cancellationToken);
            for (; ; sent += 1024)
            {
                await RawServer.WriteAsync(stream, before + new string('x', 1024) + after, cancellationToken);
            }
        };

        (await bench.FetchAsync(limit: 100_000)).ShouldBe(FetchEnd.TooLarge, "gave more than 100000 bytes");

        bench.Server.Requests.Count.ShouldBe(1);
        Interlocked.Read(ref sent).ShouldBeLessThan(20_000_000, "the connection was ended, not drained; what is beyond lies in the system's buffers");
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x")]
    [InlineData("HTTP/1.1 200 OK\r\nX: ", "x")]
    [InlineData("", "HTTP/1.1 100 Continue\r\n\r\n")]
    [InlineData("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")]
    public async Task A_trickle_without_end_ends_with_the_time_of_a_fetch(string begin, string drop)
    {
        await using var bench = new FetchBench(Short);
        bench.Server.Answer = async (_, stream, cancellationToken) =>
        {
            await RawServer.WriteAsync(stream, begin, cancellationToken);
            while (true)
            {
                await RawServer.WriteAsync(stream, drop, cancellationToken);
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellationToken);
            }
        };
        var watch = Stopwatch.StartNew();

        (await bench.FetchAsync()).ShouldBe(FetchEnd.TimedOut, "did not give its image within 0.7 s");

        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        bench.Server.Requests.Count.ShouldBeLessThanOrEqualTo(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nim")]
    public async Task One_that_falls_silent_is_left_and_asked_again(string begin)
    {
        await using var bench = new FetchBench(FetchBench.Bounds with { Silence = TimeSpan.FromMilliseconds(400) });
        bench.Server.Answer = async (_, stream, cancellationToken) =>
        {
            await RawServer.WriteAsync(stream, begin, cancellationToken);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        };

        (await bench.FetchAsync()).ShouldBe(FetchEnd.TimedOut, "gave nothing for 0.4 s at images.example");

        bench.Server.Requests.Count.ShouldBeInRange(2, 3, "on a machine that is busy the time may be up before a request is out");
    }

    [Fact]
    public async Task One_that_is_slow_but_steady_is_waited_for()
    {
        await using var bench = new FetchBench(FetchBench.Bounds with { Silence = TimeSpan.FromMilliseconds(1000) });
        bench.Server.Answer = async (_, stream, cancellationToken) =>
        {
            await RawServer.WriteAsync(stream, "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n", cancellationToken);
            for (var i = 0; i < 14; i++)
            {
                await RawServer.WriteAsync(stream, "i", cancellationToken);
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellationToken);
            }
        };

        (await bench.FetchAsync()).ShouldBeDone().ShouldBe("iiiiiiiiiiiiii");
    }

    [Fact]
    public async Task A_handshake_without_end_ends_with_the_time_of_a_connection()
    {
        await using var bench = new FetchBench(FetchBench.Bounds with { Connect = TimeSpan.FromMilliseconds(200), Silence = TimeSpan.FromSeconds(30) }, isPlain: true);

        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, "had no connection to images.example");

        await Eventually.BeAsync(() => bench.Server.Connections == 3, "three connections are accepted"); // It waits for a request, and has half a greeting.
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("GZIP")]
    public async Task A_bomb_is_not_unpacked(string encoding)
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(new byte[20_000_000]);
        }

        await using var bench = new FetchBench();
        bench.Server.Say($"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {packed.Length}\r\n\r\n{Encoding.Latin1.GetString(packed.ToArray())}");

        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, "gave something compressed at images.example");
        bench.Server.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(1, 20_000)]
    [InlineData(2_000, 10)]
    public async Task A_bomb_of_headers_is_not_read(int lines, int length)
    {
        await using var bench = new FetchBench();
        bench.Server.Say($"HTTP/1.1 200 OK\r\n{string.Concat(Enumerable.Repeat($"X: {new string('x', length)}\r\n", lines))}Content-Length: 5\r\n\r\nimage");

        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, "more than 16 kB of headers");
        bench.Server.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nx")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nimage\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\n")]
    [InlineData("HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nimage")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\n\r\n")]
    [InlineData("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")]
    public async Task What_is_no_whole_answer_is_none(string answer)
    {
        await using var bench = new FetchBench();
        bench.Server.Say(answer);

        (await bench.FetchAsync()).ShouldBe(FetchEnd.Failed, "images.example");

        bench.ShouldHaveStayed();
    }
}
