using System.Net.Http.Headers;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;
using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.Tests.Generation;

/// <summary>An upstream to which no connection comes about in time was sent nothing: it is no model that fell silent.</summary>
public class NoConnectionTests
{
    private const string Body = """{"inputs":"a heron"}""";

    [Fact]
    public async Task A_connection_that_is_never_finished_is_tried_three_times_and_then_is_502()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var silent = new RawServer();
        await using var gateway = await TestGateway.StartWithAsync(huggingFace, Impatiently, Address("huggingface", silent));

        (await gateway.GenerateAsync(TestGateway.Sd3, Body)).ShouldBe(502, "upstream-failed");

        silent.Connections.ShouldBe(3);
        silent.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_next_upstream_is_asked_where_the_connection_is_never_finished()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var silent = new RawServer();
        await using var gateway = await ServedGateway.StartWithAsync(huggingFace, Impatiently, TestGateway.Schnell, ["nscale", "together"], Address("nscale", silent));

        var answer = await gateway.GenerateAsync(TestGateway.Schnell, Body);

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Upstream").ShouldBe("together");
    }

    [Fact]
    public async Task A_look_at_a_model_without_a_connection_is_502()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var silent = new RawServer();
        await using var gateway = await TestGateway.StartWithAsync(huggingFace, Impatiently, Address("huggingface", silent));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/models/{TestGateway.Sd3}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);

        (await gateway.SendAsync(request)).ShouldBe(502, "upstream-failed");
    }

    private static void Impatiently(IServiceCollection services) => services.AddSingleton<IForwarderHttpClientFactory, ImpatientConnections>();

    /// <summary>It is spoken TLS to, takes it for the beginning of a request, and waits for the rest.</summary>
    private static string Address(string cluster, RawServer server) => $"ReverseProxy:Clusters:{cluster}:Destinations:primary:Address=https://127.0.0.1:{server.Port}/";
}
