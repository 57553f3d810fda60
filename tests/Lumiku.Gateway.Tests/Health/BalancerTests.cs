using System.Net;
using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Health;

/// <summary>What HAProxy, as <c>deploy/haproxy.cfg</c> has it, makes of gateways that die and of what they answer while they stop.</summary>
public sealed class BalancerTests : IAsyncLifetime
{
    private readonly int[] _ports = [RedisServer.FreePort(), RedisServer.FreePort(), RedisServer.FreePort()];
    private readonly List<GatewayProcess> _gateways = [];
    private HuggingFaceSimulator _huggingFace = null!;
    private HaProxy _balancer = null!;
    private HttpClient _client = null!;

    /// <summary>The second and third are not there yet.</summary>
    public async ValueTask InitializeAsync()
    {
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        await ServeAsync(0);
        _balancer = await HaProxy.StartAsync(_ports);
        _client = new HttpClient { BaseAddress = _balancer.Address };
        await Eventually.BeAsync(() => _balancer.TimesDown(1) == 1 && _balancer.TimesDown(2) == 1, "it has seen who is not there");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _balancer.DisposeAsync();
        foreach (var gateway in _gateways)
        {
            await gateway.DisposeAsync();
        }

        await _huggingFace.DisposeAsync();
    }

    [Fact]
    public async Task What_a_gateway_had_when_it_died_is_asked_of_no_other_and_what_comes_next_is()
    {
        _huggingFace.BehaveNext(Misbehaviour.StallBeforeHeaders);
        var asking = AskAsync("whose gateway dies");
        await Eventually.BeAsync(() => _huggingFace.Received.Count == 1, "upstream was asked");
        await ServeAsync(1);
        await Eventually.BeAsync(() => _balancer.TimesUp(1) == 1, "there is another");

        await _gateways[0].KillAsync();
        List<HttpStatusCode> next = [];
        for (var i = 0; i < 6; i++)
        {
            using var answer = await AskAsync($"heron {i}");
            next.Add(answer.StatusCode);
        }

        // Before it had noticed, by a connection that was refused; and what it could not know was done is not done again.
        next.ShouldAllBe(status => status == HttpStatusCode.OK);
        using var lost = await asking;
        lost.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        _huggingFace.Received.Count(request => request.Prompt == "whose gateway dies").ShouldBe(1);
    }

    [Fact]
    public async Task An_answer_of_the_drain_limit_is_passed_on_as_it_is()
    {
        _huggingFace.BehaveNext(Misbehaviour.StallBeforeHeaders);
        var asking = AskAsync("a heron");
        await Eventually.BeAsync(() => _huggingFace.Received.Count == 1, "upstream was asked");

        _gateways[0].Terminate();
        var answer = await Answer.ReadAsync(await asking);

        answer.ShouldBe(504, "still-generating");
        answer.Error.ShouldContain("Send the same request again");
        (await _gateways[0].ExitCodeAsync()).ShouldBe(0);
        await Eventually.BeAsync(() => _balancer.Requests.Any(), "it is logged");
        _balancer.Requests.ShouldHaveSingleItem().ShouldBe(new BalancedRequest("gateway-1", 504, "----", Retries: 0));
    }

    private async Task ServeAsync(int gateway) => _gateways.Add(await GatewayProcess.ServeAsync(
        _huggingFace.Address,
        new() { ["GATEWAY_SETTINGS"] = TestGateway.UnlimitedSettings, ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{_ports[gateway]}" },
        "--Shutdown:Grace=00:00:00.5",
        "--Shutdown:DrainLimit=00:00:02"));

    private async Task<HttpResponseMessage> AskAsync(string prompt)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json($$"""{"inputs":"{{prompt}}"}""") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        return await _client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
