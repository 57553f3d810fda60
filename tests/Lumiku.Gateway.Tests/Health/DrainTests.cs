using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Health;

/// <summary>A process that is told to stop while it has work, with a grace and a drain limit of moments.</summary>
public sealed class DrainTests : IAsyncLifetime
{
    private const string Grace = "--Shutdown:Grace=00:00:00.5";
    private const string Heron = """{"inputs":"a heron"}""";

    private readonly List<GatewayProcess> _gateways = [];
    private HuggingFaceSimulator _huggingFace = null!;

    public async ValueTask InitializeAsync() => _huggingFace = await HuggingFaceSimulator.StartAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in _gateways)
        {
            await gateway.DisposeAsync();
        }

        await _huggingFace.DisposeAsync();
    }

    [Fact]
    public async Task All_who_share_a_generation_that_outlives_the_limit_get_504_its_units_are_free_and_a_replica_that_followed_makes_it()
    {
        await using var redis = await RedisServer.StartAsync();
        var stopping = await ServeAsync(redis, "--Shutdown:DrainLimit=00:00:03");
        var other = await ServeAsync(redis, "--Shutdown:DrainLimit=00:00:03");
        _huggingFace.BehaveNext(Misbehaviour.StallBeforeHeaders);
        Task<Answer>[] asking = [AskAsync(stopping, "anna"), AskAsync(stopping, "bert"), AskAsync(stopping, "carl")];
        await CalledAsync();
        var following = AskAsync(other, "dora");

        stopping.Terminate();

        foreach (var answer in await Task.WhenAll(asking))
        {
            answer.ShouldBe(504, "still-generating");
            answer.Error.ShouldContain("Send the same request again");
            answer.Header("Connection").ShouldBe("close");
        }

        (await stopping.ExitCodeAsync()).ShouldBe(0);
        stopping.Lines().ShouldContain(line => line.GetProperty("@m").GetString()!.StartsWith("The drain limit is reached: 1 generations", StringComparison.Ordinal));
        var picture = await following;
        picture.ShouldBeAnImage();
        picture.Header("X-Lumiku-Units").ShouldBe("1");
        _huggingFace.Received.Count.ShouldBe(2);
        _huggingFace.Received[0].Aborted.ShouldBeTrue();
        string[] users = ["anna", "bert", "carl", "dora"];
        var used = await Task.WhenAll(users.Select(user => UsedAsync(other, user)));
        used.ShouldBe([0, 0, 0, 1]);
        (await AskAsync(other, "anna")).Header("X-Cache").ShouldBe("HIT");
    }

    [Fact]
    public async Task A_body_that_comes_slowly_is_waited_for_beyond_the_grace()
    {
        var gateway = await ServeAsync();
        using var client = await RawClient.ConnectAsync(gateway.Client.BaseAddress!);
        await client.SendAsync(Head(Heron.Length) + Heron[..5]);

        gateway.Terminate();
        await RefusesAsync(gateway);
        await client.SendAsync(Heron[5..]);

        var answer = RawAnswer.ParseAll(await client.ReadToEndAsync()).ShouldHaveSingleItem();
        answer.Status.ShouldBe(200);
        answer.Head.ShouldContain("\r\nConnection: close");
        (await gateway.ExitCodeAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_body_that_is_not_there_at_the_limit_is_answered_504_and_the_connection_ended_cleanly()
    {
        var gateway = await ServeAsync(redis: null, "--Shutdown:DrainLimit=00:00:02");
        using var client = await RawClient.ConnectAsync(gateway.Client.BaseAddress!);
        await client.SendAsync(Head(Heron.Length) + Heron[..5]);

        gateway.Terminate();

        var answer = RawAnswer.ParseAll(await client.ReadToEndAsync()).ShouldHaveSingleItem();
        answer.Status.ShouldBe(504);
        answer.Body.ShouldContain("still-generating");
        client.IsReset.ShouldBeFalse();
        (await gateway.ExitCodeAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task What_streams_through_is_waited_for_and_what_has_not_begun_at_the_limit_is_answered_504()
    {
        var gateway = await ServeAsync(redis: null, "--Shutdown:DrainLimit=00:00:03");
        _huggingFace.Behave(TestGateway.Xl, Misbehaviour.SlowBody(TimeSpan.FromSeconds(1.5)));
        _huggingFace.Behave(TestGateway.Sd3, Misbehaviour.StallBeforeHeaders);
        var (streaming, silent) = (LookAsync(gateway, TestGateway.Xl), LookAsync(gateway, TestGateway.Sd3));
        await CalledAsync(2);

        gateway.Terminate();

        (await streaming).Status.ShouldBe(HttpStatusCode.OK);
        (await silent).ShouldBe(504, "still-generating");
        (await gateway.ExitCodeAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_second_signal_hurries_nothing()
    {
        var gateway = await ServeAsync();
        _huggingFace.BehaveNext(Misbehaviour.Delay(TimeSpan.FromSeconds(2)));
        var asking = AskAsync(gateway, "anna");
        await CalledAsync();

        gateway.Terminate();
        await RefusesAsync(gateway);
        gateway.Terminate();

        (await asking).ShouldBeAnImage();
        (await gateway.ExitCodeAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task An_idle_connection_is_told_with_its_next_answer_and_ended_after_the_grace()
    {
        var gateway = await ServeAsync();
        using var used = await RawClient.ConnectAsync(gateway.Client.BaseAddress!);
        using var idle = await RawClient.ConnectAsync(gateway.Client.BaseAddress!);
        const string Live = "GET /health/live HTTP/1.1\r\nHost: gateway\r\n\r\n";
        await idle.SendAsync(Live);
        _huggingFace.BehaveNext(Misbehaviour.Delay(TimeSpan.FromMilliseconds(300)));
        await used.SendAsync(Head(Heron.Length) + Heron);
        await CalledAsync();

        gateway.Terminate();

        // Asked before the signal, answered within the grace.
        RawAnswer.ParseAll(await used.ReadToEndAsync()).ShouldHaveSingleItem().Head.ShouldContain("\r\nConnection: close");
        RawAnswer.ParseAll(await idle.ReadToEndAsync()).ShouldHaveSingleItem().Head.ShouldNotContain("\r\nConnection: close");
        (await gateway.ExitCodeAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task While_redis_is_frozen_it_stops_all_the_same()
    {
        await using var redis = await RedisServer.StartAsync();
        var gateway = await ServeAsync(redis, "--Redis:CallTimeout=00:00:00.1"); // As it is shipped.
        _huggingFace.BehaveNext(Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var asking = AskAsync(gateway, "anna");
        await CalledAsync();

        redis.Freeze();
        var watch = Stopwatch.StartNew();
        gateway.Terminate();

        (await asking).ShouldBeAnImage();
        (await gateway.ExitCodeAsync()).ShouldBe(0);
        Figures.Add("rolling restart", $"stop with Redis frozen and a generation of 1 s: {watch.Elapsed.TotalSeconds:0.0} s");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(150)]
    [InlineData(300)]
    [InlineData(450)]
    [InlineData(700)]
    public async Task A_signal_while_it_starts_ends_it_without_a_stack_trace(int afterMs)
    {
        var gateway = GatewayProcess.Start([Grace], new() { ["HUGGINGFACE_API_KEY"] = "hf_x", ["GATEWAY_API_KEY"] = TestGateway.BackendKey, ["ASPNETCORE_URLS"] = "http://127.0.0.1:0" });
        _gateways.Add(gateway);
        await Task.Delay(TimeSpan.FromMilliseconds(afterMs), TimeProvider.System, TestContext.Current.CancellationToken);

        gateway.Terminate();

        (await gateway.ExitCodeAsync()).ShouldBeOneOf(0, 143); // The latter before it minds signals.
        gateway.Errors.ShouldBeEmpty();
    }

    private Task CalledAsync(int times = 1) => Eventually.BeAsync(() => _huggingFace.Received.Count == times, "upstream was asked");

    private Task<GatewayProcess> ServeAsync() => ServeAsync(redis: null);

    private async Task<GatewayProcess> ServeAsync(RedisServer? redis, params string[] settings)
    {
        Dictionary<string, string> environment = new() { ["GATEWAY_SETTINGS"] = TestGateway.UnlimitedSettings };
        if (redis is not null)
        {
            environment["REDIS_URL"] = redis.Url;
        }

        var gateway = await GatewayProcess.ServeAsync(_huggingFace.Address, environment, [Grace, $"--{Replica.Patience}", .. settings]);
        _gateways.Add(gateway);
        return gateway;
    }

    /// <summary>The grace is over.</summary>
    private static Task RefusesAsync(GatewayProcess gateway) => Eventually.BeAsync(
        async () =>
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(gateway.Client.BaseAddress!.Host, gateway.Client.BaseAddress.Port);
                return false;
            }
            catch (SocketException)
            {
                return true;
            }
        },
        "it takes no connections");

    private static Task<Answer> AskAsync(GatewayProcess gateway, string user) => SendAsync(gateway, HttpMethod.Post, $"/models/{TestGateway.Sd3}", user, TestGateway.Json(Heron));

    private static Task<Answer> LookAsync(GatewayProcess gateway, string model) => SendAsync(gateway, HttpMethod.Get, $"/models/{model}", "anna");

    private static async Task<int> UsedAsync(GatewayProcess gateway, string user) =>
        (await SendAsync(gateway, HttpMethod.Get, "/limits", user)).Json.GetProperty("day").GetProperty("used").GetInt32();

    private static async Task<Answer> SendAsync(GatewayProcess gateway, HttpMethod method, string path, string user, HttpContent? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        request.Headers.Add("X-Lumiku-User", user);
        return await Answer.ReadAsync(await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken));
    }

    private static string Head(int length) => $"POST /models/{TestGateway.Sd3} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {TestGateway.BackendKey}\r\n"
        + $"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n";
}
