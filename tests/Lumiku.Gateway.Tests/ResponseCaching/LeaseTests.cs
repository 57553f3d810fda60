using System.IO.Hashing;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>Images share memory one after another; nobody ever sees a piece of somebody else's.</summary>
public class LeaseTests
{
    [Fact]
    public async Task Every_byte_is_the_callers_own_while_images_push_each_other_out_and_callers_leave()
    {
        const int Prompts = 60, Workers = 12, Each = 80;
        await using var huggingFace = await HuggingFaceSimulator.StartAsync(new SimulatorOptions { ImageBytes = 150_000 });
        await using var gateway = await TestGateway.StartAsync(huggingFace, "Cache:MemoryBytes=2000000");
        string?[] known = new string?[Prompts];
        var leavers = 0;

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < Each; i++)
            {
                // Some are popular, most are not.
                var prompt = random.Next(3) == 0 ? random.Next(5) : random.Next(Prompts);
                using var leaving = new CancellationTokenSource();
                if (random.Next(6) == 0)
                {
                    leaving.CancelAfter(TimeSpan.FromMilliseconds(random.Next(1, 30)));
                }

                try
                {
                    var answer = await AskAsync(gateway, prompt, leaving.Token);
                    var hash = Convert.ToHexStringLower(XxHash128.Hash(answer.Body));
                    answer.Header("ETag").ShouldBe($"\"{hash}\"");
                    (Interlocked.CompareExchange(ref known[prompt], hash, null) ?? hash).ShouldBe(hash);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref leavers);
                }
            }
        })));

        known.Count(hash => hash is not null).ShouldBe(Prompts);
        known.Distinct().Count().ShouldBe(Prompts);
        leavers.ShouldBeGreaterThan(0);
        gateway.Services.GetRequiredService<ImageCache>().Bytes.ShouldBeLessThanOrEqualTo(2_000_000);
        Figures.Add("leases", $"{Workers * Each} requests, {leavers} callers left, {huggingFace.Received.Count} images made, every byte its own");
    }

    [Fact]
    public void The_memory_goes_back_with_the_last_lease_and_no_lease_is_made_from_none()
    {
        var buffer = new ImageBuffer(1000);
        buffer.Append([1, 2, 3], expectedRest: 3);
        var first = new ImageLease(new GeneratedImage("a/b", buffer.Content, "image/png", 1, 1, "\"e\"", [], buffer.HeldBytes), buffer);
        var second = first.Share()!;

        first.Dispose();
        first.Dispose();
        buffer.Content.IsEmpty.ShouldBeFalse("the second one holds it");
        first.Share()!.Dispose();
        second.Dispose();

        buffer.Content.IsEmpty.ShouldBeTrue();
        second.Share().ShouldBeNull();
        first.Share().ShouldBeNull();
    }

    private static async Task<Answer> AskAsync(TestGateway gateway, int prompt, CancellationToken leaving)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Schnell}") { Content = TestGateway.Json($$"""{"inputs":"picture {{prompt}}"}""") };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        var answer = await Answer.ReadAsync(await gateway.Client.SendAsync(request, leaving));
        answer.ShouldBeAnImage();
        return answer;
    }
}
