using System.Text.Json;
using Lumiku.Gateway.Commands;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Commands;

/// <summary><c>probe</c> says which models serve through the gateway that runs, and why the others do not.</summary>
public class ProbeTests
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    [Fact]
    public async Task Models_that_serve_are_a_table_in_the_catalogs_order_with_aligned_columns()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace);

        var (exitCode, output, _) = await ProbeAsync(gateway, TestGateway.Sd3, TestGateway.Schnell.ToUpperInvariant(), TestGateway.Dev, TestGateway.Sd3);

        exitCode.ShouldBe(0, output);
        var lines = output.Split('\n');
        lines[0].ShouldMatch("^MODEL +SERVED BY +MADE AT +STATUS +BYTES +SECONDS +RESULT$");
        string[] models = [TestGateway.Dev, TestGateway.Schnell, TestGateway.Sd3];
        for (var i = 0; i < models.Length; i++)
        {
            lines[i + 1].ShouldMatch($"^{models[i]} +{models[i]} +huggingface +200 +[0-9]+ +[0-9]+[.][0-9]  ok$");
            lines[i + 1].IndexOf("200", StringComparison.Ordinal).ShouldBe(lines[0].IndexOf("STATUS", StringComparison.Ordinal));
            lines[i + 1].IndexOf("ok", StringComparison.Ordinal).ShouldBe(lines[0].IndexOf("RESULT", StringComparison.Ordinal));
        }

        lines[^1].ShouldBe("3 of 3 models made an image.");
        huggingFace.Received.ShouldAllBe(request => request.Parameters.GetProperty("width").GetInt32() == 512);
    }

    [Fact]
    public async Task Without_names_every_listed_model_is_asked_and_what_makes_no_image_is_skipped()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, "Models:Catalog:briaai/RMBG-1.4:Output=Json");

        var (exitCode, output, _) = await ProbeAsync(gateway);

        exitCode.ShouldBe(1, "PhotoMaker needs photos");
        var lines = output.Split('\n');
        lines.Length.ShouldBe(1 + 9 + 2);
        lines[1..10].Select(line => line.Split(' ')[0]).ShouldBeInOrder(SortDirection.Ascending, StringComparer.OrdinalIgnoreCase);
        lines.Single(line => line.StartsWith("briaai/RMBG-1.4 ", StringComparison.Ordinal)).ShouldEndWith("skipped: its Output is Json, not Image");
        lines.Single(line => line.StartsWith("TencentARC/PhotoMaker-V2 ", StringComparison.Ordinal)).ShouldMatch(" 422 .*failed: (parameter|upstream)-refused: .*Provide `input_id_images`.");
        lines[^1].ShouldBe("7 of 8 models made an image; 1 skipped.");
    }

    [Fact]
    public async Task A_fallback_counts_as_serving_and_is_seen()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.Deprecated);
        await using var gateway = await StartAsync(huggingFace);

        var (exitCode, output, _) = await ProbeAsync(gateway, TestGateway.Dev);

        exitCode.ShouldBe(0, output);
        output.ShouldMatch($"{TestGateway.Dev}  {TestGateway.Schnell}  huggingface +200 .* ok, by another model: its own failed\n");
        output.ShouldEndWith("1 of 1 models made an image, 1 of them by another model.");
    }

    [Theory]
    [InlineData("deprecated", 404, "model-not-offered", 410)]
    [InlineData("loading", 504, "model-loading", 503)]
    [InlineData("invalid-token", 502, "upstream-account", 401)]
    [InlineData("html-as-png", 502, "not-an-image", 200)]
    public async Task A_model_that_fails_is_told_with_the_reason_and_the_others_are_asked_all_the_same(string misbehaviour, int status, string type, int upstreamStatus)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        huggingFace.Behave(TestGateway.Sd3, Misbehaviour.Parse(misbehaviour));
        await using var gateway = await StartAsync(huggingFace, $"Models:Catalog:{TestGateway.Sd3}:WaitLimit=00:00:01");

        var (exitCode, output, _) = await ProbeAsync(gateway, TestGateway.Sd3, TestGateway.Schnell, "--json");

        exitCode.ShouldBe(1);
        var rows = JsonElement.Parse(output).EnumerateArray().ToList();
        rows.Select(row => row.GetProperty("model").GetString()).ShouldBe([TestGateway.Schnell, TestGateway.Sd3]);
        rows.Select(row => row.GetProperty("outcome").GetString()).ShouldBe(["ok", "failed"]);
        (rows[1].GetProperty("status").GetInt32(), rows[1].GetProperty("type").GetString()).ShouldBe((status, type));
        rows[1].GetProperty("servedBy").GetString().ShouldBe(TestGateway.Sd3);
        rows[1].GetProperty("error").GetString().ShouldNotBeNullOrWhiteSpace();
        rows[1].GetProperty("bytes").ValueKind.ShouldBe(JsonValueKind.Null);
        rows[1].GetProperty("upstream").GetProperty("status").GetInt32().ShouldBe(upstreamStatus);
    }

    [Fact]
    public async Task What_upstream_said_of_its_account_is_in_the_table()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        huggingFace.Behave(TestGateway.Sd3, Misbehaviour.CreditsDepleted);
        await using var gateway = await StartAsync(huggingFace);

        var (exitCode, output, _) = await ProbeAsync(gateway, TestGateway.Sd3);

        exitCode.ShouldBe(1);
        output.ShouldMatch("failed: upstream-account: Upstream refused the gateway's own account .* \\(upstream said 402: .*credits");
    }

    [Fact]
    public async Task Machines_get_an_array_with_every_name_in_every_row()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, "Models:Catalog:briaai/RMBG-1.4:Output=Json");

        var (_, output, _) = await ProbeAsync(gateway, TestGateway.Sd3, "briaai/RMBG-1.4", "stabilityai/stable-diffusion-2-1", "--json");

        var rows = JsonElement.Parse(output).EnumerateArray().ToList();
        rows.ShouldAllBe(row => string.Join(' ', row.EnumerateObject().Select(member => member.Name)) == "model outcome servedBy status bytes seconds type error upstream madeAt");
        rows.Select(row => $"{row.GetProperty("model")} {row.GetProperty("outcome")} {row.GetProperty("status")}")
            .ShouldBe(["briaai/RMBG-1.4 skipped ", $"{TestGateway.Sd3} ok 200", "stabilityai/stable-diffusion-2-1 ok 200"]); // The last is not listed.
        rows[1].GetProperty("bytes").GetInt32().ShouldBeGreaterThan(1_000);
        rows[1].GetProperty("seconds").GetDouble().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Nothing_is_read_from_the_cache_nor_kept_in_it_and_no_limit_refuses_or_counts()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, "Tiers:internal:UnitsPerDay=1", "Tiers:free:UnitsPerDay=0", "Tiers:internal:RequestsPerMinute=1");
        var body = System.Text.Encoding.UTF8.GetString(ModelProbe.Body);

        (await ProbeAsync(gateway, TestGateway.Sd3)).ExitCode.ShouldBe(0);
        var afterProbe = await gateway.GenerateAsync(TestGateway.Sd3, body);
        (await ProbeAsync(gateway, TestGateway.Sd3)).ExitCode.ShouldBe(0);

        afterProbe.ShouldBeAnImage();
        afterProbe.Header("X-Cache").ShouldBe("MISS");
        afterProbe.Header("RateLimit").ShouldContain("\"day\";r=0;");
        huggingFace.Received.Count.ShouldBe(3);
    }

    [Fact]
    public async Task The_log_has_the_probe_without_its_prompt_or_key()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { ["OPERATOR_KEY"] = OperatorKey, ["Serilog__MinimumLevel__Default"] = "Verbose" });

        (await ProbeAsync(gateway.Client.BaseAddress!, TestGateway.Sd3)).ExitCode.ShouldBe(0);

        await Eventually.BeAsync(() => gateway.Lines().Any(line => line.TryGetProperty("Caller", out var caller) && caller.GetString() == "operator:probe"), "the probe is logged");
        var log = string.Join('\n', gateway.Output);
        log.ShouldNotContain("lighthouse");
        log.ShouldNotContain(OperatorKey);
    }

    [Fact]
    public async Task Four_are_asked_at_a_time_and_a_signal_ends_it_with_what_is_known()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        huggingFace.Behave("*", Misbehaviour.StallBeforeHeaders);
        await using var gateway = await StartAsync(huggingFace);
        await using var command = Start(gateway.Client.BaseAddress!);
        await Eventually.BeAsync(() => huggingFace.Received.Count >= 4, "four models are asked");

        command.Terminate();

        (await command.ExitCodeAsync()).ShouldBe(1);
        huggingFace.Received.Count.ShouldBe(4);
        command.Errors.ShouldNotContain("   at ");
        command.Output.Count(line => line.EndsWith("failed: interrupted", StringComparison.Ordinal)).ShouldBe(8);
    }

    [Fact]
    public async Task A_model_is_given_up_after_the_timeout_and_what_was_left_behind_does_not_refuse_the_next_probe()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        huggingFace.Behave("*", Misbehaviour.StallBeforeHeaders);
        await using var gateway = await StartAsync(huggingFace, "Generation:AbandonedPerUser=1");

        for (var i = 1; i <= 2; i++)
        {
            var (exitCode, output, _) = await ProbeAsync(gateway, TestGateway.Sd3, "--timeout", "1");

            exitCode.ShouldBe(1);
            output.ShouldContain("failed: no answer within 1 s");
            huggingFace.Received.Count.ShouldBe(i);
        }
    }

    [Fact]
    public async Task With_a_wrong_key_or_without_one_at_the_gateway_nothing_is_asked_of_upstream()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, "OPERATOR_KEY=another-key-0123456789abcdef");
        await using var without = await TestGateway.StartAsync(huggingFace);

        var (exitCode, output, errors) = await ProbeAsync(gateway);
        (exitCode, output).ShouldBe((1, ""));
        errors.ShouldContain(" refused: This is the operator's");
        (exitCode, output, errors) = await ProbeAsync(without);
        (exitCode, output).ShouldBe((1, ""));
        errors.ShouldContain("it was started without OPERATOR_KEY");
        huggingFace.Received.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(2, "OPERATOR_KEY is not set", null)]
    [InlineData(1, "No answer from the gateway at 127.0.0.1:9:", OperatorKey)]
    [InlineData(2, "'two words' is no model id", OperatorKey, "two words")]
    [InlineData(2, "'a/b/c' is no model id", OperatorKey, "a/b/c")]
    [InlineData(2, "--timeout must be whole seconds, from 1 to 3600.", OperatorKey, "--timeout", "0")]
    [InlineData(2, "--timeout must be whole seconds, from 1 to 3600.", OperatorKey, "--timeout", "soon")]
    public async Task A_probe_that_cannot_be_done_says_why(int exitCode, string why, string? key, params string[] arguments)
    {
        await using var command = GatewayProcess.Start(["probe", "--url", "http://127.0.0.1:9", .. arguments], key is null ? [] : new() { ["OPERATOR_KEY"] = key });

        (await command.ExitCodeAsync()).ShouldBe(exitCode);

        command.Errors.ShouldContain(why);
        command.Errors.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_model_that_is_not_offered_is_told_as_a_caller_would_be()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await StartAsync(huggingFace, "Models:Unlisted=Deny");

        var (exitCode, output, _) = await ProbeAsync(gateway, "no/such-model");

        exitCode.ShouldBe(1);
        output.ShouldContain("failed: model-not-offered: 'no/such-model' is not among the models that this gateway offers.");
    }

    private static Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, params string[] settings) =>
        TestGateway.StartAsync(huggingFace, [$"OPERATOR_KEY={OperatorKey}", .. settings]);

    private static GatewayProcess Start(Uri gateway, params string[] arguments) =>
        GatewayProcess.Start(["probe", "--url", $"{gateway}", .. arguments], new() { ["OPERATOR_KEY"] = OperatorKey });

    private static Task<(int ExitCode, string Output, string Errors)> ProbeAsync(TestGateway gateway, params string[] arguments) => ProbeAsync(gateway.Client.BaseAddress!, arguments);

    private static async Task<(int ExitCode, string Output, string Errors)> ProbeAsync(Uri gateway, params string[] arguments)
    {
        await using var command = Start(gateway, arguments);
        var exitCode = await command.ExitCodeAsync();
        command.Errors.ShouldNotContain("   at ");
        return (exitCode, string.Join('\n', command.Output), command.Errors);
    }
}
