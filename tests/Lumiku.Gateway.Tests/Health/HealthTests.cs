using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Health;

public class HealthTests
{
    private const string Body = """{"inputs":"a heron"}""";

    [Fact]
    public async Task A_gateway_that_serves_is_live_and_ready_without_a_key()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace);

        (await gateway.Client.GetStringAsync("/health/live", Token)).ShouldBe("""{"status":"live"}""");
        (await gateway.Client.GetStringAsync("/health/ready", Token)).ShouldBe("""{"status":"ready"}""");
        (await gateway.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/health/ready"))).Status.ShouldBe(HttpStatusCode.OK);
        huggingFace.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Stopping_it_says_so_still_takes_requests_for_a_grace_and_finishes_what_runs()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address);
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(TimeSpan.FromSeconds(8))); // Longer than the grace.
        var running = GenerateAsync(gateway, TestGateway.Dev);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");

        gateway.Terminate();
        await Eventually.BeAsync(async () => (await gateway.Client.GetAsync("/health/ready", Token)).StatusCode == HttpStatusCode.ServiceUnavailable, "it is not ready");
        (await gateway.Client.GetAsync("/health/live", Token)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var late = await GenerateAsync(gateway, TestGateway.Schnell);
        late.StatusCode.ShouldBe(HttpStatusCode.OK);
        late.Headers.ConnectionClose.ShouldBe(true);

        var image = await running;
        image.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await gateway.ExitCodeAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Stopping_waits_for_a_generation_whose_caller_has_left()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address);
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.Delay(TimeSpan.FromSeconds(7)));
        using var leaving = new CancellationTokenSource();
        var asking = GenerateAsync(gateway, TestGateway.Dev, leaving.Token);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asking);

        gateway.Terminate();

        (await gateway.ExitCodeAsync()).ShouldBe(0);
        huggingFace.Received[0].Aborted.ShouldBeFalse();
    }

    [Fact]
    public async Task What_outlives_the_drain_limit_is_told_to_ask_again_not_cut_off()
    {
        var time = new ManualTime();
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, time, "Generation:WaitLimit=00:10:00");
        huggingFace.Behave(TestGateway.Dev, Misbehaviour.StallBeforeHeaders);
        var asking = gateway.GenerateAsync(TestGateway.Dev, Body);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");

        var timers = time.Waiting;
        var stopping = gateway.StopAsync();
        await Eventually.BeAsync(() => time.Waiting >= timers + 2, "the grace and the limit are running");
        time.Advance(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(114));
        asking.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));

        (await asking).ShouldBe(504, "still-generating");
        await stopping;
    }

    [Fact]
    public async Task A_log_that_nobody_reads_any_more_keeps_neither_requests_nor_the_stop_waiting()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { ["Serilog__MinimumLevel__Default"] = "Verbose" });
        gateway.StopReading();

        for (var i = 0; i < 100; i++)
        {
            (await GenerateAsync(gateway, TestGateway.Dev)).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        gateway.Terminate();
        (await gateway.ExitCodeAsync()).ShouldBe(0);
    }

    [Theory]
    [InlineData("banana")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("http://192.0.2.1:8080")]
    public async Task An_address_that_is_none_is_said_in_a_line(string address)
    {
        await using var gateway = GatewayProcess.Start(["--urls", address], new() { ["HUGGINGFACE_API_KEY"] = "hf_x", ["GATEWAY_API_KEY"] = TestGateway.BackendKey });

        (await gateway.ExitCodeAsync()).ShouldBe(1);
        gateway.Errors.ShouldStartWith("The gateway cannot listen: ");
        gateway.Errors.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task An_address_that_is_taken_is_said_in_one_line()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();

        await using var gateway = GatewayProcess.Start(
            ["--urls", huggingFace.Address.GetLeftPart(UriPartial.Authority)], new() { ["HUGGINGFACE_API_KEY"] = "hf_x", ["GATEWAY_API_KEY"] = TestGateway.BackendKey });

        (await gateway.ExitCodeAsync()).ShouldBe(1);
        gateway.Errors.ShouldContain("address already in use");
        gateway.Errors.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Stopping_with_nothing_to_do_takes_at_most_12_seconds_also_with_idle_connections_open()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address);
        await gateway.Client.GetStringAsync("/health/live", Token); // Leaves a keep-alive connection behind.

        var watch = Stopwatch.StartNew();
        gateway.Terminate();

        (await gateway.ExitCodeAsync()).ShouldBe(0);
        Figures.Add("rolling restart", $"idle stop: {watch.Elapsed.TotalSeconds:0.0} s");
    }

    [Fact]
    public async Task The_healthcheck_command_says_whether_the_gateway_lives()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address);
        await using var alive = GatewayProcess.Start(["healthcheck"], new() { ["PORT"] = $"{gateway.Client.BaseAddress!.Port}" });
        (await alive.ExitCodeAsync()).ShouldBe(0);

        await using var elsewhere = GatewayProcess.Start(["healthcheck"], new() { ["PORT"] = "1", ["ASPNETCORE_URLS"] = $"https://*:1;http://*:{gateway.Client.BaseAddress!.Port}" });
        (await elsewhere.ExitCodeAsync()).ShouldBe(0, "where the framework's own variable says that it serves");

        await using var dead = GatewayProcess.Start(["healthcheck"], new() { ["PORT"] = "1" });
        (await dead.ExitCodeAsync()).ShouldBe(1);
        dead.Errors.ShouldContain("No answer on port 1");
    }

    [Theory]
    [InlineData("chekc")]
    [InlineData("--foo")]
    [InlineData("--no-such-flag", "value", "another")]
    public async Task A_mistyped_command_is_misuse(params string[] args)
    {
        await using var gateway = GatewayProcess.Start(args, []);

        (await gateway.ExitCodeAsync()).ShouldBe(2);
        gateway.Errors.ShouldContain("neither a command nor a setting");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<HttpResponseMessage> GenerateAsync(GatewayProcess gateway, string model, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = TestGateway.Json(Body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        return await gateway.Client.SendAsync(request, cancellationToken);
    }
}
