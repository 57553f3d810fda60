using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.ResponseCaching;

/// <summary><c>lumiku-gateway purge</c>, as an operator runs it.</summary>
public class PurgeCommandTests
{
    private const string User = "a/b?c&d=unlaut";

    [Fact]
    public async Task The_command_purges_and_the_log_has_a_line_of_each_without_the_users_id()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { ["OPERATOR_KEY"] = PurgeCalls.OperatorKey });
        var made = await AskAsync(gateway);

        (await RunAsync("--user", User)).ShouldBe("Removed 1 image in the memory of 1 replica; there is no Redis.");
        (await RunAsync("--user", User)).ShouldBe("Removed 0 images in the memory of 1 replica; there is no Redis.");
        (await AskAsync(gateway)).Header("X-Cache").ShouldBe("MISS");
        (await RunAsync("--etag", made.Header("ETag"), "--json")).ShouldBe("""{"by":"etag","memory":1,"replicas":1}""");
        (await AskAsync(gateway)).Header("X-Cache").ShouldBe("MISS");
        (await RunAsync("--model", TestGateway.Sd3)).ShouldStartWith("Removed 1 image ");
        (await RunAsync("--request", made.Header("X-Request-Id"))).ShouldStartWith("Removed 0 images ");
        (await RunAsync("--caller", "backend")).ShouldStartWith("Removed 0 images ");

        var lines = gateway.Lines().Select(line => line.GetProperty("@m").GetString()!).Where(line => line.Contains("purged", StringComparison.Ordinal)).ToList();
        lines.Count.ShouldBe(6);
        lines[0].ShouldMatch("^An operator purged images of user #[0-9a-f]{12}: 1 in the memory of 1 replicas, 0 in Redis$");
        lines[3].ShouldStartWith($"An operator purged images of the model {TestGateway.Sd3}: 1 ");
        string.Join('\n', gateway.Output).ShouldNotContain("unlaut");

        async Task<string> RunAsync(params string[] arguments)
        {
            await using var command = GatewayProcess.Start(["purge", .. arguments, "--url", $"{gateway.Client.BaseAddress}"], new() { ["OPERATOR_KEY"] = PurgeCalls.OperatorKey });
            (await command.ExitCodeAsync()).ShouldBe(0, command.Errors);
            return string.Join('\n', command.Output);
        }
    }

    [Fact]
    public async Task What_the_gateway_refuses_is_exit_1_with_its_reason()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { ["OPERATOR_KEY"] = PurgeCalls.OperatorKey });
        await using var command = GatewayProcess.Start(["purge", "--etag", "none", "--url", $"{gateway.Client.BaseAddress}"], new() { ["OPERATOR_KEY"] = PurgeCalls.OperatorKey });

        (await command.ExitCodeAsync()).ShouldBe(1);

        command.Errors.ShouldContain("refused: 'etag' is the ETag of an image");
    }

    [Theory]
    [InlineData(2, "Give exactly one of --request, --etag, --model, --user, --caller.", PurgeCalls.OperatorKey, "purge")]
    [InlineData(2, "Give exactly one of ", PurgeCalls.OperatorKey, "purge", "--model", "a/b", "--user", "anna")]
    [InlineData(2, "--model", PurgeCalls.OperatorKey, "purge", "--model")]
    [InlineData(2, "--model", PurgeCalls.OperatorKey, "purge", "--model", "a", "--model", "b")]
    [InlineData(2, "'everything' is not understood.", PurgeCalls.OperatorKey, "purge", "--model", "a/b", "everything")]
    [InlineData(2, "OPERATOR_KEY is not set", null, "purge", "--model", "a/b")]
    [InlineData(1, "No answer from the gateway at 127.0.0.1:9:", PurgeCalls.OperatorKey, "purge", "--model", "a/b", "--url", "http://127.0.0.1:9")]
    public async Task A_command_that_cannot_be_done_says_why(int exitCode, string why, string? key, params string[] arguments)
    {
        await using var command = GatewayProcess.Start(arguments, key is null ? [] : new() { ["OPERATOR_KEY"] = key });

        (await command.ExitCodeAsync()).ShouldBe(exitCode);

        command.Errors.ShouldContain(why);
        command.Errors.ShouldNotContain("   at ");
    }

    private static async Task<Answer> AskAsync(GatewayProcess gateway)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(FlightBench.Body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", User);
        return await Answer.ReadAsync(await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken));
    }
}
