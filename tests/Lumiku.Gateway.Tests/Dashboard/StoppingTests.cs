using System.Diagnostics;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>Open pages and a gateway that stops, or is another one.</summary>
[Collection(Operators.Name)]
public sealed class StoppingTests(OperatorsGateway gateway, RedisServer redis)
{
    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task Open_pages_do_not_hold_up_the_stop_and_come_back_with_the_next_start()
    {
        const int Pages = 10;
        var port = RedisServer.FreePort();
        Dictionary<string, string> environment = new() { ["OPERATOR_KEY"] = OperatorsGateway.OperatorKey, ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}" };
        await using var first = await GatewayProcess.ServeAsync(gateway.HuggingFace.Address, environment);
        await using var visit = await gateway.Browser.VisitAsync(first.Client.BaseAddress!);
        await visit.GoAsync("");
        for (var i = 1; i < Pages; i++)
        {
            var page = await visit.Page.Context.NewPageAsync();
            await page.GotoAsync("");
            await page.Locator("main[data-live]").WaitForAsync();
        }

        var watch = Stopwatch.StartNew();
        first.Terminate();
        (await first.ExitCodeAsync()).ShouldBe(0);
        Figures.Add("operators' page", $"idle stop with {Pages} pages open: {watch.Elapsed.TotalSeconds:0.0} s (goal 12)");
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
        await Assertions.Expect(visit.Page.Locator(".lost")).ToBeVisibleAsync();

        await using var second = await GatewayProcess.ServeAsync(gateway.HuggingFace.Address, environment);
        await Assertions.Expect(visit.Page.Locator(".lost")).ToBeHiddenAsync(new() { Timeout = 30_000 });
        await Assertions.Expect(visit.Page.Locator("[data-figure=rate]")).ToHaveTextAsync("0.0");
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task A_page_shows_the_sum_of_all_replicas_and_each_and_says_so_when_one_is_gone()
    {
        Dictionary<string, string> environment = new()
        {
            ["OPERATOR_KEY"] = OperatorsGateway.OperatorKey,
            ["GATEWAY_SETTINGS"] = TestGateway.UnlimitedSettings,
            ["REDIS_URL"] = redis.Url,
            ["Redis__KeyPrefix"] = $"ops-{Guid.NewGuid():N}"[..20],
            ["Redis__CallTimeout"] = "00:00:05",
        };
        await using var here = await GatewayProcess.ServeAsync(gateway.HuggingFace.Address, environment);
        await using var there = await GatewayProcess.ServeAsync(gateway.HuggingFace.Address, environment);
        (await here.AskAsync("""{"inputs":"here"}""")).ShouldBeNull();
        (await there.AskAsync("""{"inputs":"there"}""")).ShouldBeNull();
        (await there.AskAsync("""{"inputs":"there again"}""")).ShouldBeNull();

        await using var visit = await gateway.Browser.VisitAsync(here.Client.BaseAddress!);
        await visit.GoAsync("replicas");
        await Assertions.Expect(visit.Page.Locator("tr[data-replica=sum] [data-figure=requests]")).ToHaveTextAsync("3");
        await Assertions.Expect(visit.Page.Locator("tr[data-replica]")).ToHaveCountAsync(3);
        await visit.GoAsync("");
        await visit.FigureBecomesAsync("miss", "3");
        await visit.Page.Locator(".scope select").SelectOptionAsync("here");
        await visit.FigureBecomesAsync("miss", "1");

        await there.KillAsync();
        await visit.GoAsync("replicas");
        await Assertions.Expect(visit.Page.Locator("tr.gone")).ToHaveCountAsync(1, new() { Timeout = 20_000 });
        await Assertions.Expect(visit.Page.Locator("tr[data-replica=sum] [data-figure=requests]")).ToHaveTextAsync("1");
    }
}
