using System.Text.Json;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Simulator;

/// <summary>The simulator's providers when told to misbehave.</summary>
public class ProviderMisbehaviourTests
{
    private const string Replicate = "replicate/v1/models/black-forest-labs/flux-schnell/predictions";
    private const string ReplicateBody = """{"input":{"prompt":"x","output_format":"png"}}""";
    private const string FalAi = "fal-ai/fal-ai/flux/schnell";
    private const string FalAiBody = """{"prompt":"x","output_format":"png"}""";

    public static TheoryData<string, string> Requests => ProviderBench.Requests;

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Every_kind_ends_in_an_answer_or_a_broken_connection_and_the_next_request_is_well(string path, string body)
    {
        await using var bench = await ProviderBench.StartAsync();
        var kinds = Misbehaviour.Kinds.Where(kind => !kind.Name.Contains("stall", StringComparison.Ordinal) && kind.Name is not "endless-prediction");

        await Task.WhenAll(kinds.Select(async kind =>
        {
            try
            {
                using var response = await bench.SendAsync(path, body.Replace("a heron", $"[[{kind.Example}]]", StringComparison.Ordinal));
            }
            catch (HttpRequestException)
            {
                // As some kinds want it.
            }
        }));

        (await bench.CollectAsync(path, body)).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_cold_prediction_starts_and_succeeds_after_its_polls()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.ColdPrediction(2));

        var prediction = await bench.AskAsync(Replicate, ReplicateBody, 201);

        prediction.GetProperty("status").GetString().ShouldBe("starting");
        (await PollAsync(bench, prediction, 3)).ShouldBe(["starting", "starting", "succeeded"]);
    }

    [Fact]
    public async Task A_queued_prediction_waits_then_works()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.QueuedPrediction(1, 2));

        (await PollAsync(bench, await bench.AskAsync(Replicate, ReplicateBody, 201), 4)).ShouldBe(["starting", "processing", "processing", "succeeded"]);
    }

    [Fact]
    public async Task Polls_fail_as_often_as_told()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.FailingPolls(2, 503));

        (await PollAsync(bench, await bench.AskAsync(Replicate, ReplicateBody, 201), 4)).ShouldBe(["503", "503", "starting", "succeeded"]);
    }

    [Fact]
    public async Task Polls_misbehave_as_requests_do()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.AtPolls(1, Misbehaviour.ResetBeforeHeaders));
        var prediction = await bench.AskAsync(Replicate, ReplicateBody, 201);

        await Should.ThrowAsync<HttpRequestException>(() => bench.PollAsync(AddressOf(prediction)));

        (await PollAsync(bench, prediction, 2)).ShouldBe(["starting", "succeeded"]);
        bench.HuggingFace.BehaveNext(Misbehaviour.AtPolls(1, Misbehaviour.ChunkedWhole));
        (await PollAsync(bench, await bench.AskAsync(Replicate, ReplicateBody, 201), 3)).ShouldBe(["starting", "starting", "succeeded"]);
    }

    [Fact]
    public async Task An_endless_prediction_stays_under_way_until_it_is_cancelled()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.EndlessPrediction);

        var prediction = await bench.AskAsync(Replicate, ReplicateBody, 201);
        (await PollAsync(bench, prediction, 3)).ShouldBe(["starting", "processing", "processing"]);

        await bench.AskAsync(AddressOf(prediction) + "/cancel", "");
        (await PollAsync(bench, prediction, 1)).ShouldBe(["canceled"]);
    }

    [Fact]
    public async Task What_is_over_cannot_be_cancelled()
    {
        await using var bench = await ProviderBench.StartAsync();
        var prediction = await bench.AskAsync(Replicate, ReplicateBody, 201);

        await bench.AskAsync(AddressOf(prediction) + "/cancel", "");

        (await PollAsync(bench, prediction, 1)).ShouldBe(["succeeded"]);
    }

    [Fact]
    public async Task A_failure_is_told_as_each_provider_tells_it()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.FailedPrediction("no luck, this time"));

        var prediction = await bench.AskAsync(Replicate, ReplicateBody, 201);
        var fal = await bench.AskAsync(FalAi, FalAiBody, 500);
        var nscale = await bench.AskAsync("nscale/v1/images/generations", """{"model":"black-forest-labs/FLUX.1-schnell","prompt":"x"}""", 500);

        prediction.GetProperty("status").GetString().ShouldBe("failed");
        prediction.GetProperty("error").GetString().ShouldBe("no luck, this time");
        fal.GetProperty("detail").GetString().ShouldBe("no luck, this time");
        nscale.GetProperty("error").GetProperty("message").GetString().ShouldBe("no luck, this time");
    }

    [Fact]
    public async Task What_the_safety_checker_refuses_is_black_at_fal_and_a_failure_elsewhere()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.Behave("*", Misbehaviour.NsfwPrediction);

        (await bench.AskAsync(FalAi, FalAiBody)).GetProperty("has_nsfw_concepts")[0].GetBoolean().ShouldBeTrue();
        (await bench.AskAsync(Replicate, ReplicateBody, 201)).GetProperty("error").GetString()!.ShouldContain("NSFW");
    }

    [Fact]
    public async Task Where_a_picture_lies_is_what_was_told_to_be_handed_out()
    {
        await using var bench = await ProviderBench.StartAsync();
        const string Elsewhere = "http://10.0.0.1:8080/a?b=c,d";
        bench.HuggingFace.Behave("*", Misbehaviour.OutputUrl(Elsewhere));

        foreach (var (path, body) in ProviderBench.Requests.Select(request => request.Data).Where(request => !request.Item1.Contains("queue") && !request.Item1.StartsWith("wavespeed", StringComparison.Ordinal)))
        {
            using var response = await bench.SendAsync(path, body);
            ProviderBench.PictureIn(JsonElement.Parse(await response.Content.ReadAsByteArrayAsync())).ShouldBe(Elsewhere);
        }
    }

    [Theory]
    [InlineData("expired-url", 403, "application/xml")]
    [InlineData("expired-url(404)", 404, "application/xml")]
    [InlineData("at-download(bad-gateway)", 502, "text/html")]
    [InlineData("download-redirect(http://10.0.0.1/)", 302, null)]
    [InlineData("at-download(wrong-type(text/html))", 200, "text/html")]
    [InlineData("wrong-format(image/jpeg)", 200, "image/jpeg")]
    [InlineData("at-download(png-bad-header)", 200, "image/png")]
    [InlineData("black-image", 200, "image/png")]
    [InlineData("jpeg-truncated", 200, "image/jpeg")]
    public async Task A_download_goes_as_the_request_for_it_was_told(string kind, int status, string? type)
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.Parse(kind));

        var url = ProviderBench.PictureIn(await bench.AskAsync(FalAi, FalAiBody));

        using var response = await bench.Client.GetAsync(url);
        ((int)response.StatusCode).ShouldBe(status);
        response.Content.Headers.ContentType?.MediaType.ShouldBe(type);
    }

    [Fact]
    public async Task A_cut_download_breaks_off()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.AtDownload(Misbehaviour.CutWithLength(100)));

        var url = ProviderBench.PictureIn(await bench.AskAsync(FalAi, FalAiBody));

        await Should.ThrowAsync<HttpRequestException>(() => bench.Client.GetByteArrayAsync(url));
    }

    [Fact]
    public async Task Half_a_picture_and_half_an_answer_are_just_that()
    {
        await using var bench = await ProviderBench.StartAsync();
        var whole = await bench.CollectAsync(FalAi, FalAiBody);

        bench.HuggingFace.BehaveNext(Misbehaviour.HalfPicture);
        (await bench.CollectAsync(FalAi, FalAiBody)).ShouldBe(whole[..(whole.Length / 2)]);

        bench.HuggingFace.BehaveNext(Misbehaviour.MalformedAnswer);
        using var response = await bench.SendAsync(FalAi, FalAiBody);
        var text = await response.Content.ReadAsStringAsync();
        Should.Throw<JsonException>(() => JsonElement.Parse(text));
    }

    [Theory]
    [InlineData("null-output", "null")]
    [InlineData("empty-output", "[]")]
    public async Task Success_may_come_without_a_picture(string kind, string output)
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.Parse(kind));
        (await bench.AskAsync(Replicate, ReplicateBody, 201)).GetProperty("output").GetRawText().ShouldBe(output);
        bench.HuggingFace.BehaveNext(Misbehaviour.Parse(kind));
        (await bench.AskAsync(FalAi, FalAiBody)).GetProperty("images").GetRawText().ShouldBe(output);
    }

    [Fact]
    public async Task The_first_half_of_a_cut_answer_is_JSON_not_a_picture()
    {
        await using var bench = await ProviderBench.StartAsync();
        bench.HuggingFace.BehaveNext(Misbehaviour.ChunkedWhole);

        using var response = await bench.SendAsync(FalAi, FalAiBody);

        response.Headers.TransferEncodingChunked.ShouldBe(true);
        JsonElement.Parse(await response.Content.ReadAsByteArrayAsync()).GetProperty("images").GetArrayLength().ShouldBe(1);
    }

    /// <summary>What so many polls say: the prediction's status or, of a failed poll, that of HTTP.</summary>
    private static async Task<List<string>> PollAsync(ProviderBench bench, JsonElement prediction, int count)
    {
        List<string> told = [];
        for (var poll = 0; poll < count; poll++)
        {
            var (status, json) = await bench.PollAsync(AddressOf(prediction));
            told.Add(status == 200 ? json.GetProperty("status").GetString()! : $"{status}");
        }

        return told;
    }

    private static string AddressOf(JsonElement prediction) =>
        $"replicate{new Uri(prediction.GetProperty("urls").GetProperty("get").GetString()!).AbsolutePath}";
}
