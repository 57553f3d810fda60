using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>Pages of a gateway that shows pictures, and whose Redis is away.</summary>
[Collection(Operators.Name)]
public sealed class UnusualTests(OperatorsGateway gateway)
{
    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task Pictures_are_shown_to_the_operator_alone_where_that_is_wanted_and_a_redis_that_is_away_is_told()
    {
        await using var unusual = await GatewayProcess.ServeAsync(gateway.HuggingFace.Address, new()
        {
            ["OPERATOR_KEY"] = OperatorsGateway.OperatorKey,
            ["Ops__ShowImages"] = "true",
            ["REDIS_URL"] = $"redis://127.0.0.1:{RedisServer.FreePort()}",
        });
        (await unusual.AskAsync("""{"inputs":"a picture to be shown"}""")).ShouldBeNull();

        await using var visit = await gateway.Browser.VisitAsync(unusual.Client.BaseAddress!);
        await visit.GoAsync("catalog");
        var picture = visit.Page.Locator("img[src^='_image/']");
        await Assertions.Expect(picture).ToHaveCountAsync(1);
        (await visit.Page.WaitForFunctionAsync("() => document.querySelector(\"img[src^='_image/']\").naturalWidth > 0")).ShouldNotBeNull();

        var address = $"/ops/{await picture.GetAttributeAsync("src")}";
        (await unusual.Client.GetAsync(address)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await StatusAsync(unusual, address)).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(unusual, $"{address[..address.LastIndexOf('/')]}/4000000000")).ShouldBe(HttpStatusCode.NotFound);
        (await StatusAsync(unusual, $"/ops/_image/another{address[address.LastIndexOf('/')..]}")).ShouldBe(HttpStatusCode.NotFound, "numbers are a replica's own");
        (await StatusAsync(gateway.Process, address)).ShouldBe(HttpStatusCode.NotFound, "it is not wanted there");

        await visit.GoAsync("");
        await Assertions.Expect(visit.Page.Locator(".verdict")).ToContainTextAsync("Redis is away");
        await visit.GoAsync("replicas");
        await Assertions.Expect(visit.Page.Locator(".verdict")).ToContainTextAsync("Only this replica can be seen");
        await Assertions.Expect(visit.Page.Locator("tr[data-replica]")).ToHaveCountAsync(2);
        visit.Complaints.ShouldBeEmpty();
    }

    private static async Task<HttpStatusCode> StatusAsync(GatewayProcess asked, string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"x:{OperatorsGateway.OperatorKey}")));
        using var answer = await asked.Client.SendAsync(request);
        return answer.StatusCode;
    }
}
