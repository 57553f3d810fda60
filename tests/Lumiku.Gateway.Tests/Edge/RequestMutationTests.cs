using System.Collections.Concurrent;
using System.Globalization;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Edge;

/// <summary>Requests of all shapes with bytes and lines changed at random, each with another request behind it in the same write, which may be seen only where it begins by the letter.</summary>
/// <remarks>The seed is fixed; a failure tells the bytes. Ten thousand with <c>test.sh --long</c>.</remarks>
public class RequestMutationTests
{
    private const int Workers = 16;

    private static readonly int Requests = LongRun.IsOn ? 10_000 : 320;

    private static readonly string[] Pieces = ["\r", "\n", "\r\n", " ", "\t", "\0", "\v", ":", ";", ",", "0", "f", "-", "+", "\u007f", "\u00ff", "\r\n\r\n", "0\r\n\r\n"];

    private static readonly string[] Lines =
        ["Content-Length: 0", "Content-Length: 5", "Content-Length: 200", "content-length:20", "Transfer-Encoding: chunked", "transfer-encoding:chunked", "Transfer-Encoding: identity", "Connection: keep-alive", " folded", "Expect: 100-continue"];

    private static readonly string[] Shapes =
        [.. RequestShapes.Refused.Select(row => row.Data.Item2), .. RequestShapes.RefusedOtherwise.Select(row => row.Data.Item3), .. RequestShapes.Understood.Select(row => row.Data.Item4)];

    [Fact]
    public async Task However_a_request_is_malformed_the_one_behind_it_is_seen_only_where_it_begins()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartWithAsync(
            huggingFace,
            services => services.Configure<KestrelServerOptions>(kestrel =>
            {
                // Many wait for bytes that never come.
                kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1);
                kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 4 * 1024, gracePeriod: TimeSpan.FromSeconds(1.1));
            }),
            [.. Enumerable.Range(0, Workers).Select(worker => $"Models:Catalog:{CanaryOf(worker)}:Units=1")]);
        var findings = new ConcurrentQueue<string>();
        var (seen, answered) = (0, 0);

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            var canary = RequestShapes.Canary.Replace(TestGateway.Xl, CanaryOf(worker), StringComparison.Ordinal);
            for (var i = 0; i < Requests / Workers; i++)
            {
                var request = Mutate(Shapes[random.Next(Shapes.Length)], random);
                var before = Seen(worker);
                var answers = await RawClient.ExchangeAsync(gateway.Client.BaseAddress!, request + canary, TimeSpan.FromSeconds(60));
                var isSeen = Seen(worker) > before;
                Interlocked.Add(ref seen, isSeen ? 1 : 0);
                Interlocked.Add(ref answered, answers.Count(answer => answer.Status != 100));
                if (isSeen && !StrictReader.EndsAt(request + canary, request.Length))
                {
                    findings.Enqueue($"the request behind was seen: {Shown(request)}");
                }

                if (answers.FirstOrDefault(answer => answer.Status is >= 500 and not 505) is { } failed)
                {
                    findings.Enqueue($"{failed.Status}: {Shown(request)}");
                }
            }
        })));

        Figures.Add("edge", string.Create(CultureInfo.InvariantCulture, $"{Requests} requests changed at random: {answered} answers, the request behind seen {seen} times, {findings.Count} of them where it does not begin"));
        findings.ShouldBeEmpty();
        huggingFace.Received.Count.ShouldBeLessThanOrEqualTo(answered);
        seen.ShouldBeGreaterThan(Requests / 50, "some are still well-formed");
        huggingFace.Received.ShouldAllBe(received => received.Header("Authorization") == $"Bearer {TestGateway.UpstreamToken}" && received.Path.StartsWith("/hf-inference/models/", StringComparison.Ordinal));

        int Seen(int worker) => huggingFace.Received.Count(received => received.Path.EndsWith($"/{CanaryOf(worker)}", StringComparison.Ordinal));
    }

    private static string CanaryOf(int worker) => $"canary/of-{worker}";

    private static string Mutate(string request, Random random)
    {
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            var at = random.Next(request.Length);
            request = random.Next(7) switch
            {
                0 => request.Remove(at, 1),
                1 => request.Insert(at, Pieces[random.Next(Pieces.Length)]),
                2 => request.Remove(at, 1).Insert(at, ((char)random.Next(256)).ToString()),
                3 => AtLine(request, random, (lines, line) => lines.Insert(line, lines[line])),
                4 => AtLine(request, random, (lines, line) => lines.RemoveAt(line)),
                5 => AtLine(request, random, (lines, line) => lines.Insert(line, Lines[random.Next(Lines.Length)])),
                _ => AtLine(request, random, (lines, line) => lines[line] += Pieces[random.Next(Pieces.Length)]),
            };
        }

        return request;
    }

    private static string AtLine(string request, Random random, Action<List<string>, int> change)
    {
        List<string> lines = [.. request.Split("\r\n")];
        if (lines.Count > 1)
        {
            change(lines, random.Next(1, lines.Count));
        }

        return string.Join("\r\n", lines);
    }

    private static string Shown(string request) => System.Text.Json.JsonSerializer.Serialize(request);
}
