using System.Net;
using Lumiku.Gateway.Tests.Support;
using Shouldly;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>Pages as they are made before a browser's socket is open, of gateways with the key <see cref="OperatorsGateway.OperatorKey"/>.</summary>
internal static class OperatorsPages
{
    public const string Setting = $"OPERATOR_KEY={OperatorsGateway.OperatorKey}";

    public static async Task<string> PageAsync(this TestGateway gateway, string view)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/ops/{view}") { Headers = { Authorization = new("Bearer", OperatorsGateway.OperatorKey) } };
        using var answer = await gateway.Client.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return await answer.Content.ReadAsStringAsync();
    }
}
