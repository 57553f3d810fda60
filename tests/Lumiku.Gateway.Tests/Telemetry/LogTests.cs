using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text.Json;
using Lumiku.Gateway.Telemetry;
using Lumiku.Gateway.Tests.Dashboard;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

public class LogTests
{
    private const string PromptCanary = "canary-prompt-7f3a";
    private const string KeyCanary = "canary-key-of-a-stranger-91bc";
    private const string QueryCanary = "canary-query-44d0";
    private const string OperatorKey = OperatorsGateway.OperatorKey;
    private const string UserCanary = "canary-user-05ee";

    [Fact]
    public async Task No_prompt_key_token_or_user_is_logged_at_the_most_verbose_level_whatever_happens()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new()
        {
            ["Serilog__MinimumLevel__Default"] = "Verbose",
            ["Serilog__MinimumLevel__Override__Microsoft"] = "Verbose",
            ["Serilog__MinimumLevel__Override__Microsoft.Hosting.Lifetime"] = "Verbose",
            ["Serilog__MinimumLevel__Override__System"] = "Verbose",
            ["Serilog__MinimumLevel__Override__Yarp"] = "Verbose",
            ["Serilog__MinimumLevel__Override__Yarp.ReverseProxy.Forwarder.HttpForwarder"] = "Verbose",
            ["JWT_SECRET"] = GatewayFixture.JwtSecret,
            ["OPERATOR_KEY"] = OperatorKey,
        });

        foreach (var kind in Misbehaviour.Kinds.Where(kind => !kind.Name.StartsWith("stall", StringComparison.Ordinal)))
        {
            huggingFace.BehaveNext(Misbehaviour.Parse(kind.Example));
            await AskAsync(gateway, TestGateway.BackendKey, $$$"""{"inputs":"{{{PromptCanary}}}","parameters":{"negative_prompt":"{{{PromptCanary}}}"}}""");
        }

        // What upstream says may quote the prompt: an unknown keyword is named.
        await AskAsync(gateway, TestGateway.BackendKey, $$$"""{"inputs":"x","parameters":{"{{{PromptCanary}}}":1}}""");
        await AskAsync(gateway, TestGateway.BackendKey, $"{{\"inputs\":\"{PromptCanary}\",}}");
        await AskAsync(gateway, KeyCanary, """{"inputs":"x"}""");
        await AskAsync(gateway, $"ey{KeyCanary}.a.b", """{"inputs":"x"}""");
        await AskAsync(gateway, TestGateway.UpstreamToken, """{"inputs":"x"}""");
        await RawAsync(gateway, $"POST /models/a/b?key={QueryCanary} HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {KeyCanary}\r\n\r\n");
        await RawAsync(gateway, $"POST /models/a/b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KeyCanary}\r\nContent-Length: x{KeyCanary}\r\n\r\n");
        await RawAsync(gateway, $"{KeyCanary}\r\n\r\n");
        await TypeIntoAPageAsync(gateway, UserCanary);

        gateway.Terminate();
        (await gateway.ExitCodeAsync()).ShouldBe(0);

        var log = string.Join('\n', gateway.Output) + gateway.Errors;
        gateway.Output.Count.ShouldBeGreaterThan(500); // Verbose it was.
        foreach (var secret in new[] { PromptCanary, KeyCanary, QueryCanary, UserCanary, TestGateway.BackendKey, TestGateway.UpstreamToken, GatewayFixture.JwtSecret, OperatorKey })
        {
            gateway.Output.ShouldNotContain(line => line.Contains(secret, StringComparison.OrdinalIgnoreCase));
            log.Contains(secret, StringComparison.OrdinalIgnoreCase).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task Each_request_has_one_line_that_tells_its_story()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address);

        await AskAsync(gateway, TestGateway.BackendKey, """{"inputs":"a heron"}""", "request-1");
        await AskAsync(gateway, "wrong", """{"inputs":"a heron"}""", "request-2");
        await AskAsync(gateway, TestGateway.BackendKey, "x", "request-3");
        await gateway.Client.GetAsync("/nowhere", TestContext.Current.CancellationToken);
        await gateway.Client.GetAsync("/health/live", TestContext.Current.CancellationToken); // Probes are not logged.
        await Eventually.BeAsync(() => Stories(gateway).Count == 4, "four lines");

        var image = Stories(gateway).Single(line => line.GetProperty("RequestId").GetString() == "request-1");
        image.GetProperty("Method").GetString().ShouldBe("POST");
        image.GetProperty("Path").GetString().ShouldBe($"/models/{TestGateway.Dev}");
        image.GetProperty("Status").GetInt32().ShouldBe(200);
        image.GetProperty("Outcome").GetString().ShouldBe("ok");
        image.GetProperty("Caller").GetString().ShouldBe("backend");
        image.GetProperty("Tier").GetString().ShouldBe("free");
        image.GetProperty("RequestedModel").GetString().ShouldBe(TestGateway.Dev);
        image.GetProperty("ServedModel").GetString().ShouldBe(TestGateway.Schnell);
        image.GetProperty("RequestBytes").GetInt32().ShouldBe(20);
        image.GetProperty("ResponseBytes").GetInt32().ShouldBeGreaterThan(10_000);
        image.GetProperty("UpstreamMs").GetDouble().ShouldBeGreaterThan(0);
        image.GetProperty("ElapsedMs").GetDouble().ShouldBeGreaterThanOrEqualTo(image.GetProperty("UpstreamMs").GetDouble());
        image.GetProperty("@m").GetString()!.ShouldEndWith($" (tier free, served by {TestGateway.Schnell}, MISS, 20 B in, {image.GetProperty("ResponseBytes").GetInt32()} B out)");
        image.GetProperty("TraceId").GetString()!.Length.ShouldBe(32);
        Stories(gateway).Single(line => line.GetProperty("RequestId").GetString() == "request-2").GetProperty("Outcome").GetString().ShouldBe("unauthenticated");
        Stories(gateway).Single(line => line.GetProperty("RequestId").GetString() == "request-3").GetProperty("Outcome").GetString().ShouldBe("malformed-body");
        Stories(gateway).ShouldContain(line => line.GetProperty("Path").GetString() == "/nowhere");
    }

    [Fact]
    public async Task A_caller_who_leaves_has_a_line_too()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address);
        huggingFace.Behave(TestGateway.Schnell, Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        using var leaving = new CancellationTokenSource();
        var asking = AskAsync(gateway, TestGateway.BackendKey, """{"inputs":"a heron"}""", "request-1", leaving.Token);
        await Eventually.BeAsync(() => huggingFace.Received.Count == 1, "upstream was asked");
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asking);

        await Eventually.BeAsync(() => Stories(gateway).Count == 1, "one line");
        Stories(gateway)[0].GetProperty("Status").GetInt32().ShouldBe(499);
        Stories(gateway)[0].GetProperty("Outcome").GetString().ShouldBe("caller gone");
    }

    [Fact]
    public async Task A_caller_who_resets_during_the_upload_is_gone_and_no_mistake_of_ours()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address);
        for (var i = 0; i < 10; i++)
        {
            using var socket = new System.Net.Sockets.TcpClient(gateway.Client.BaseAddress!.Host, gateway.Client.BaseAddress.Port) { LingerState = new(true, 0) };
            await socket.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(
                $"POST /models/a/b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{"));
            await Task.Delay(TimeSpan.FromMilliseconds(60), TimeProvider.System);
        }

        await Eventually.BeAsync(() => Stories(gateway).Count == 10, "ten lines");
        // 400 where the server saw the end of the body before it saw that the caller is gone.
        Stories(gateway).ShouldAllBe(line => line.GetProperty("Status").GetInt32() == 499 || line.GetProperty("Status").GetInt32() == 400);
        gateway.Output.ShouldNotContain(line => line.Contains("\"@l\":\"Error\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_path_cannot_make_a_second_line_or_colour_the_log()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address);

        await RawAsync(gateway, "GET /%0d%0a%7b%22@m%22:1%7d%1b%5b31m" + new string('a', 1000) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        await Eventually.BeAsync(() => Stories(gateway).Count == 1, "one line");
        Stories(gateway)[0].GetProperty("Path").GetString()!.Length.ShouldBe(256);
        Stories(gateway)[0].GetProperty("Path").GetString()!.ShouldAllBe(character => character >= ' ' && character <= '~');
        gateway.Output.ShouldNotContain(line => line.Contains('\u001b'));
    }

    [Fact]
    public async Task A_flood_of_refusals_is_told_in_a_bounded_number_of_lines_and_counted_all_the_same()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { ["OPERATOR_KEY"] = "operator-key-0123456789abcdef", ["Limits__FailedLoginsPerMinute"] = "100000" });
        var began = TimeProvider.System.GetTimestamp();
        var asked = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(3))
            {
                await AskAsync(gateway, "wrong", "x");
                Interlocked.Increment(ref asked);
            }
        })));
        await AskAsync(gateway, TestGateway.BackendKey, "x", "another-refusal");

        await Eventually.BeAsync(() => Stories(gateway).Any(line => line.GetProperty("RequestId").GetString() == "another-refusal"), "another kind of refusal has its line");
        await Eventually.BeAsync(() => LeftOut(gateway) + Stories(gateway).Count == asked + 1, "what has no line is counted in one");
        Stories(gateway).Count.ShouldBeLessThan(5 * RefusalLines.MostPerSecond);
        Figures.Add("telemetry", $"{asked} refusals in 3 s: {Stories(gateway).Count} lines, {LeftOut(gateway)} told of in others");
    }

    private static int LeftOut(GatewayProcess gateway) => gateway.Lines().Where(line => line.TryGetProperty("Refusal", out _)).Sum(line => line.GetProperty("Count").GetInt32());

    private static List<JsonElement> Stories(GatewayProcess gateway) => [.. gateway.Lines().Where(line => line.TryGetProperty("Outcome", out _))];

    private static async Task AskAsync(GatewayProcess gateway, string key, string body, string? id = null, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Dev}?{QueryCanary}=1") { Content = TestGateway.Json(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Add("X-Lumiku-User", UserCanary);
        if (id is not null)
        {
            request.Headers.Add("X-Request-Id", id);
        }

        using var answer = await gateway.Client.SendAsync(request, cancellationToken);
        await answer.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    /// <summary>An event of a page, as a browser sends it: SignalR's handshake, and a call of Blazor's in MessagePack.</summary>
    private static async Task TypeIntoAPageAsync(GatewayProcess gateway, string text)
    {
        var here = gateway.Client.BaseAddress!;
        using var signIn = new HttpRequestMessage(HttpMethod.Get, "/ops/tiers") { Headers = { Authorization = new("Bearer", OperatorKey) } };
        using var page = await gateway.Client.SendAsync(signIn);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", page.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("lumiku-ops=", StringComparison.Ordinal)).Split(';')[0]);
        socket.Options.SetRequestHeader("Origin", here.GetLeftPart(UriPartial.Authority));
        await socket.ConnectAsync(new Uri($"ws://{here.Authority}/ops/_blazor"), CancellationToken.None);
        await socket.SendAsync("{\"protocol\":\"blazorpack\",\"version\":1}\u001e"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        byte[] call = [0x96, 1, 0x80, 0xc0, .. Text("BeginInvokeDotNetFromJS"), 0x95, .. Text("1"), 0xc0, .. Text("m"), 0, .. Text(text), 0x90];
        await socket.SendAsync(new byte[] { (byte)call.Length }.Concat(call).ToArray(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        // It has been taken once something comes back: the handshake's answer, and that the call means nothing.
        var buffer = new byte[1024];
        for (var answers = 0; answers < 2 && socket.State == WebSocketState.Open; answers++)
        {
            await socket.ReceiveAsync(buffer, CancellationToken.None);
        }

        static byte[] Text(string text) => [(byte)(0xa0 | text.Length), .. System.Text.Encoding.ASCII.GetBytes(text)];
    }

    private static async Task RawAsync(GatewayProcess gateway, string request)
    {
        using var socket = new System.Net.Sockets.TcpClient(gateway.Client.BaseAddress!.Host, gateway.Client.BaseAddress.Port);
        await socket.GetStream().WriteAsync(System.Text.Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(socket.GetStream());
        await reader.ReadToEndAsync();
    }
}
