using System.Text;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ResponseCaching.Purging;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary>What an operator has purged is not served again, and nothing else is lost: one gateway without Redis.</summary>
public class PurgeTests
{
    private const string Heron = """{"inputs":"a heron"}""";
    private const string Comet = """{"inputs":"a comet"}""";

    private static readonly TimeSpan Rendering = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData("{0}")]
    [InlineData("%22{0}%22")]
    [InlineData("W/%22{0}%22")]
    public async Task By_an_etag_the_image_is_removed_with_or_without_quotes(string written)
    {
        await using var bench = await StartAsync();
        var heron = await bench.AskAsync(Heron);
        await bench.AskAsync(Comet);

        await ShouldRemoveAsync(bench, $"etag={string.Format(null, written, heron.Header("ETag").Trim('"').ToUpperInvariant())}", images: 1);

        await ShouldBeAsync(bench, Heron, "MISS");
        await ShouldBeAsync(bench, Comet, "HIT");
    }

    [Fact]
    public async Task By_a_model_in_any_case_all_its_images_are_removed()
    {
        await using var bench = await StartAsync();
        await bench.AskAsync(Heron, TestGateway.Sd3);
        await bench.AskAsync(Comet, TestGateway.Sd3);
        await bench.AskAsync(Heron, TestGateway.Xl);

        await ShouldRemoveAsync(bench, $"model={TestGateway.Sd3.ToUpperInvariant()}", images: 2);

        await ShouldBeAsync(bench, Heron, "MISS", model: TestGateway.Sd3);
        await ShouldBeAsync(bench, Heron, "HIT", model: TestGateway.Xl);
    }

    [Fact]
    public async Task By_a_model_its_images_that_stood_in_for_anothers_are_removed_too()
    {
        await using var bench = await StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Status(402));
        (await bench.AskAsync(Heron, TestGateway.Dev)).Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);

        await ShouldRemoveAsync(bench, $"model={TestGateway.Dev}", images: 0);
        await ShouldRemoveAsync(bench, $"model={TestGateway.Schnell}", images: 1);
    }

    [Theory]
    [InlineData("Shared")]
    [InlineData("User")]
    public async Task By_a_user_what_the_user_had_made_is_removed_and_what_others_had_is_not(string scope)
    {
        await using var bench = await StartAsync($"Cache:Scope={scope}");
        await bench.AskAsync(Heron, user: "anna");
        await bench.AskAsync(Comet, user: "ben");

        await ShouldRemoveAsync(bench, "user=anna", images: 1);

        await ShouldBeAsync(bench, Heron, "MISS", "anna");
        await ShouldBeAsync(bench, Comet, "HIT", "ben");
    }

    [Fact]
    public async Task By_a_caller_its_own_are_removed_and_those_of_its_users_are_not()
    {
        await using var bench = await StartAsync();
        await bench.AskAsync(Heron);
        await bench.AskAsync(Comet, user: "backend");

        await ShouldRemoveAsync(bench, "caller=BACKEND", images: 1);

        await ShouldBeAsync(bench, Heron, "MISS");
        await ShouldBeAsync(bench, Comet, "HIT", "backend");
    }

    [Fact]
    public async Task By_a_request_the_image_that_answered_it_is_removed_however_it_came_to_it()
    {
        await using var bench = await StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        Task<Answer>[] asking = [bench.AskAsync(Heron), bench.AskAsync(Heron)];
        await bench.ShouldRenderAsync(1);
        await bench.ShouldWaitAsync(2);
        bench.UpstreamTime.Advance(Rendering);
        Answer[] answers = [.. await Task.WhenAll(asking), await bench.AskAsync(Heron)];
        answers.Select(answer => answer.Header("X-Cache")).Order().ShouldBe(["COALESCED", "HIT", "MISS"]);
        bench.HuggingFace.BehaveWell();

        foreach (var answer in answers)
        {
            await bench.AskAsync(Heron);
            await ShouldRemoveAsync(bench, $"request={answer.Header("X-Request-Id")}", images: 1);
            await ShouldBeAsync(bench, Heron, "MISS");
        }
    }

    [Fact]
    public async Task Where_requests_share_an_id_all_their_images_are_removed()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, PurgeCalls.Setting);
        foreach (var body in new[] { Heron, Comet })
        {
            await gateway.GenerateAsync(TestGateway.Sd3, body);
            (await gateway.GenerateAsync(TestGateway.Sd3, body, change: request => request.Headers.Add("X-Request-Id", "mine"))).Header("X-Cache").ShouldBe("HIT");
        }

        (await gateway.PurgeAsync("request=mine")).Json.GetProperty("memory").GetInt32().ShouldBe(2);
    }

    [Fact]
    public async Task The_last_ten_thousand_requests_are_known_and_the_one_that_had_it_made_always()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, PurgeCalls.Setting);
        var made = (await gateway.GenerateAsync(TestGateway.Sd3, Heron)).Header("X-Request-Id");
        var hit = (await gateway.GenerateAsync(TestGateway.Sd3, Heron)).Header("X-Request-Id");
        var answered = gateway.Services.GetRequiredService<AnsweredRequests>();
        for (var i = 0; i < 10_000; i++)
        {
            answered.Add($"other-{i}", "\"other\"");
        }

        (await gateway.PurgeAsync($"request={hit}")).Json.GetProperty("memory").GetInt32().ShouldBe(0);
        (await gateway.PurgeAsync($"request={made}")).Json.GetProperty("memory").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task A_copy_that_waits_for_a_user_is_removed_and_those_of_others_are_not()
    {
        await using var bench = await StartAsync("Cache:Unseeded=RetryOnly");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        await LeaveAsync(bench, "anna", "ben", "carl");
        bench.HuggingFace.BehaveWell();

        await ShouldRemoveAsync(bench, "user=ben", images: 1);

        await ShouldBeAsync(bench, Heron, "MISS", "ben");
        await ShouldBeAsync(bench, Heron, "HIT", "carl");
    }

    [Fact]
    public async Task Copies_that_wait_for_others_are_removed_with_the_user_who_had_the_image_made()
    {
        await using var bench = await StartAsync("Cache:Unseeded=RetryOnly");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        await LeaveAsync(bench, "anna", "ben");

        await ShouldRemoveAsync(bench, "user=anna", images: 2);
    }

    [Theory]
    [InlineData("Reuse", "user=anna")]
    [InlineData("Reuse", "model=" + TestGateway.Dev)]
    [InlineData("RetryOnly", "user=anna")]
    [InlineData("RetryOnly", "user=ben")]
    public async Task An_image_under_way_is_handed_to_who_waits_and_kept_for_nobody(string unseeded, string purged)
    {
        await using var bench = await StartAsync($"Cache:Unseeded={unseeded}");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(Rendering));
        using var leaving = new CancellationTokenSource();
        var waiting = bench.AskAsync(Heron, user: "anna");
        await bench.ShouldRenderAsync(1);
        var leaver = bench.AskAsync(Heron, user: "ben", leaving: leaving.Token);
        await bench.ShouldWaitAsync(2);
        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(1);

        await ShouldRemoveAsync(bench, purged, images: 0);
        bench.UpstreamTime.Advance(Rendering);

        (await waiting).ShouldBeAnImage();
        await Should.ThrowAsync<OperationCanceledException>(leaver);
        await bench.ShouldEndEmptyAsync();
        bench.Gateway.Services.GetRequiredService<ImageCache>().Count.ShouldBe(0);
        bench.HuggingFace.BehaveWell();
        await ShouldBeAsync(bench, Heron, "MISS", "anna");
    }

    [Fact]
    public async Task What_a_fallback_makes_for_a_generation_under_way_is_not_kept_either()
    {
        await using var bench = await StartAsync();
        bench.HuggingFace.Behave(TestGateway.Dev, Misbehaviour.Overload);
        bench.HuggingFace.Behave(TestGateway.Schnell, Misbehaviour.Delay(Rendering));
        var asking = bench.AskAsync(Heron, user: "anna");
        await Eventually.BeAsync(() => bench.Calls == 1, "the model was asked");

        await ShouldRemoveAsync(bench, "user=anna", images: 0);
        await Eventually.BeAsync(
            () =>
            {
                bench.Time.Advance(TimeSpan.FromSeconds(1));
                return bench.UpstreamTime.Waiting == 1;
            },
            "the fallback makes it");
        bench.UpstreamTime.Advance(Rendering);

        (await asking).Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
        await bench.ShouldEndEmptyAsync();
        bench.Gateway.Services.GetRequiredService<ImageCache>().Count.ShouldBe(0);
    }

    [Fact]
    public async Task What_is_made_after_a_purge_is_kept_again()
    {
        await using var bench = await StartAsync();
        await bench.AskAsync(Heron, user: "anna");
        await ShouldRemoveAsync(bench, "user=anna", images: 1);

        await ShouldBeAsync(bench, Heron, "MISS", "anna");

        await ShouldBeAsync(bench, Heron, "HIT", "anna");
        await ShouldRemoveAsync(bench, "user=anna", images: 1);
    }

    [Theory]
    [InlineData("", "Name one: 'request', 'etag', 'model', 'user', or 'caller' for a caller's own requests.")]
    [InlineData("model=a/b&user=anna", "Name one: ")]
    [InlineData("all=true", "Name one: ")]
    [InlineData("request=a%20b", "'request' is the X-Request-Id of an answer")]
    [InlineData("request=", "'request' is ")]
    [InlineData("etag=abc", "'etag' is the ETag of an image: 32 hexadecimal digits")]
    [InlineData("etag=gggggggggggggggggggggggggggggggg", "'etag' is ")]
    [InlineData("model=a/b/c", "'model' is a model's id")]
    [InlineData("model=a&model=b", "'model' is ")]
    [InlineData("caller=nobody", "There is no caller of this name (6 characters).")]
    public async Task What_names_no_images_is_refused_and_removes_none(string query, string error)
    {
        await using var bench = await StartAsync();
        await bench.AskAsync(Heron);

        var answer = await bench.Gateway.PurgeAsync(query);

        answer.ShouldBe(422, "parameter-refused");
        answer.Error.ShouldStartWith(error);
        await ShouldBeAsync(bench, Heron, "HIT");
        (await bench.Gateway.PurgeAsync("user=a%20b")).ShouldBe(422, "invalid-user");
    }

    [Fact]
    public async Task It_is_the_operators_alone()
    {
        await using var bench = await StartAsync();
        await bench.AskAsync(Heron);

        (await Answer.ReadAsync(await bench.Gateway.Client.PostAsync("/ops/purge?caller=backend", content: null, TestContext.Current.CancellationToken))).ShouldBe(401, "unauthenticated");

        await ShouldBeAsync(bench, Heron, "HIT");
        await using var without = await FlightBench.StartAsync();
        (await without.Gateway.PurgeAsync("caller=backend")).ShouldBe(404, "unknown-route");
    }

    private static Task<FlightBench> StartAsync(params string[] settings) => FlightBench.StartAsync([PurgeCalls.Setting, .. settings]);

    private static async Task ShouldRemoveAsync(FlightBench bench, string query, int images)
    {
        var answer = await bench.Gateway.PurgeAsync(query);

        ((int)answer.Status).ShouldBe(200, Encoding.UTF8.GetString(answer.Body));
        Encoding.UTF8.GetString(answer.Body).ShouldBe($$"""{"by":"{{query.Split('=')[0]}}","memory":{{images}},"replicas":1}""");
    }

    private static async Task ShouldBeAsync(FlightBench bench, string body, string cache, string? user = null, string model = TestGateway.Dev)
    {
        var answer = await bench.AskAsync(body, model, user);
        answer.ShouldBeAnImage();
        answer.Header("X-Cache").ShouldBe(cache);
    }

    /// <summary>All of them ask for one image, in this order, and leave before it is there.</summary>
    private static async Task LeaveAsync(FlightBench bench, params string[] users)
    {
        using var leaving = new CancellationTokenSource();
        var asking = new List<Task<Answer>>();
        foreach (var user in users)
        {
            asking.Add(bench.AskAsync(Heron, user: user, leaving: leaving.Token));
            await bench.ShouldRenderAsync(1);
            await bench.ShouldWaitAsync(asking.Count);
        }

        await leaving.CancelAsync();
        await bench.ShouldWaitAsync(0);
        bench.UpstreamTime.Advance(Rendering);
        await Should.ThrowAsync<OperationCanceledException>(Task.WhenAll(asking));
        await bench.ShouldEndEmptyAsync();
    }
}
