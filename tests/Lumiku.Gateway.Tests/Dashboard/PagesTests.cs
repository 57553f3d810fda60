using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>What an operator sees, with a browser.</summary>
[Collection(Operators.Name)]
public sealed class PagesTests(OperatorsGateway gateway)
{
    private static readonly string[] Views = ["", "requests", "requests/failed-1", "catalog", "tiers", "settings", "replicas", "not-found"];

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task The_first_page_has_the_numbers_of_what_was_sent_and_follows_without_being_loaded_again()
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        await visit.GoAsync("");
        var before = await HourAsync(visit);

        await gateway.AskAsync(200, TestGateway.Sd3, "enterprise", """{"inputs":"one more"}""");
        await gateway.AskAsync(200, TestGateway.Sd3, "enterprise", """{"inputs":"one more"}""");

        before.Hits.ShouldBeGreaterThanOrEqualTo(3);
        before.ShouldBe(before with { Limited = 2, Failed = 1, Declined = 1, PerMinute = 1, Day = 1, Requests = before.Hits + before.Made + 4 });
        await visit.FigureBecomesAsync("hit", $"{before.Hits + 1}");
        await visit.FigureBecomesAsync("miss", $"{before.Made + 1}");
        await visit.FigureBecomesAsync("units", $"{before.Units + 1}");
        (await visit.Page.Locator($"tr[data-model='{TestGateway.Sd3}'] td").AllInnerTextsAsync())[2].ShouldBe($"{before.Made - 1 + 1}", "all but the one of the substitute");
        (await visit.Page.Locator(".rz-chart svg, svg.rz-chart").CountAsync()).ShouldBeGreaterThan(0);
        (await visit.FigureAsync("verdict")).ShouldNotBeEmpty();
        visit.Complaints.ShouldBeEmpty();
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task Requests_are_filtered_sorted_and_explained()
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        await visit.GoAsync("requests");
        var rows = visit.Page.Locator(".grid tbody tr");

        await visit.Page.GetByLabel("Tier").SelectOptionAsync("payg");
        await Assertions.Expect(rows).ToHaveCountAsync(1);
        await Assertions.Expect(rows.First).ToContainTextAsync("429 quota-exceeded");
        await visit.Page.GetByText("Show all").ClickAsync();
        await visit.Page.GetByLabel("Outcome").SelectOptionAsync("refused");
        await Assertions.Expect(rows).ToHaveCountAsync(2);
        await visit.Page.GetByText("Show all").ClickAsync();
        await visit.Page.GetByLabel("User’s hash").FillAsync(TextDigest.Of("dora", digits: 12));
        await Assertions.Expect(rows).ToHaveCountAsync(2);
        await visit.Page.GetByText("Show all").ClickAsync();
        await visit.Page.GetByLabel("Cache").SelectOptionAsync("none");
        await visit.Page.GetByLabel("Model").SelectOptionAsync(TestGateway.Sd3);
        await Assertions.Expect(rows).ToHaveCountAsync(4);
        await visit.Page.GetByRole(AriaRole.Columnheader, new() { Name = "Outcome" }).ClickAsync();
        await Assertions.Expect(rows.First).ToContainTextAsync("malformed-body");
        await visit.Page.GetByText("Show all").ClickAsync();
        await visit.Page.GetByLabel("User’s hash").FillAsync("failed-1");
        await rows.First.GetByRole(AriaRole.Link).ClickAsync();

        await Assertions.Expect(visit.Page.Locator("h1")).ToHaveTextAsync("failed-1");
        await Assertions.Expect(visit.Page.Locator(".lane.failed")).ToHaveCountAsync(1);
        await Assertions.Expect(visit.Page.Locator(".verdict-sentence")).ToContainTextAsync("Upstream");
        (await visit.Page.Locator(".limits li").CountAsync()).ShouldBeGreaterThan(0);
        (await visit.Page.ContentAsync()).ShouldNotContain("secret picture");
        visit.Complaints.ShouldBeEmpty();
    }

    [Theory(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    [InlineData("refused-1", "refused here")]
    [InlineData("substituted-1", "substitution: the tier lacks PRO")]
    public async Task The_rule_that_decided_is_shown(string id, string rule)
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        await visit.GoAsync($"requests/{id}");

        await Assertions.Expect(visit.Page.Locator("article")).ToContainTextAsync(rule);
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task Models_have_their_counts_and_no_pictures_unless_that_is_wanted()
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        await visit.GoAsync("catalog");

        (await visit.Page.Locator($"[data-model='{TestGateway.Schnell}'] [data-figure=made]").InnerTextAsync()).ShouldBe("1", "it stood in for another");
        (await visit.Page.Locator("img").CountAsync()).ShouldBe(0);
        visit.Complaints.ShouldBeEmpty();
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task A_users_limits_are_looked_up_granted_and_reset_once_that_is_confirmed()
    {
        await gateway.AskAsync(200, TestGateway.Sd3, "pro", """{"inputs":"of fred's own"}""", "fred");
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        await visit.GoAsync("tiers");
        var day = visit.Page.Locator("[data-limit=day]");

        await visit.Page.GetByLabel("User’s id").FillAsync("fred");
        await visit.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(day).ToContainTextAsync("19 of 20 units left");

        await visit.Page.GetByLabel("Units to grant").FillAsync("7");
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Grant…" }).ClickAsync();
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Leave it" }).ClickAsync();
        await Assertions.Expect(day).ToContainTextAsync("19 of 20 units left");

        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Grant…" }).ClickAsync();
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Grant", Exact = true }).ClickAsync();
        await Assertions.Expect(day).ToContainTextAsync("26 of 27 units left");

        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Reset…" }).ClickAsync();
        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Reset", Exact = true }).ClickAsync();
        await Assertions.Expect(day).ToContainTextAsync("20 of 20 units left");
        var hash = TextDigest.Of("fred", digits: 12);
        await Eventually.BeAsync(() => gateway.Process.Output.Any(line => line.Contains($"An operator granted 7 units to user #{hash}", StringComparison.Ordinal)), "the log has the grant");
        await Eventually.BeAsync(() => gateway.Process.Output.Any(line => line.Contains($"An operator reset the limits of user #{hash}", StringComparison.Ordinal)), "the log has the reset");
        visit.Complaints.ShouldBeEmpty();
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task Settings_are_shown_as_they_change_and_why_a_file_is_refused_with_secrets_as_fingerprints()
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        await visit.GoAsync("settings");
        var number = int.Parse(await visit.FigureAsync("number"));

        gateway.Settings.Edit("\"FailureRatio\": 0.5", "\"FailureRatio\": 0.6");
        await visit.FigureBecomesAsync("number", $"{number + 1}");
        await Assertions.Expect(visit.Page.Locator(".history")).ToContainTextAsync("Generation:Breaker:FailureRatio 0.5 → 0.6");

        gateway.Settings.Edit("\"FailureRatio\": 0.6", "\"FailureRatio\": 6");
        await Assertions.Expect(visit.Page.Locator(".mistakes dt").First).ToContainTextAsync("Generation:Breaker:FailureRatio: 6");
        await visit.GoAsync("");
        (await visit.FigureAsync("verdict")).ShouldContain("not in force");

        gateway.Settings.Edit("\"FailureRatio\": 6", "\"FailureRatio\": 0.6");
        await visit.GoAsync("settings");
        await Assertions.Expect(visit.Page.Locator(".mistakes")).ToHaveCountAsync(0);
        var page = await visit.Page.ContentAsync();
        page.ShouldContain($"#{TextDigest.Of(TestGateway.BackendKey, digits: 8)}");
        foreach (var secret in new[] { TestGateway.BackendKey, TestGateway.UpstreamToken, OperatorsGateway.OperatorKey })
        {
            page.ShouldNotContain(secret);
        }
    }

    [Theory(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Every_page_is_accessible_fits_a_phone_and_keeps_its_own_policy(ColorScheme scheme)
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address, scheme);
        foreach (var view in Views)
        {
            await visit.Page.SetViewportSizeAsync(1440, 900);
            await visit.GoAsync(view);
            await AssertAccessibleAsync(visit, $"{view} in {scheme}");
            await visit.Page.SetViewportSizeAsync(390, 800);
            (await visit.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBe(0, $"{view} is not wider than a phone");
            await AssertAccessibleAsync(visit, $"{view} on a phone");
        }

        visit.Complaints.Where(complaint => !complaint.Contains("404", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task The_colours_are_the_systems_until_they_are_switched_and_then_stay()
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address, ColorScheme.Dark);
        await visit.GoAsync("");
        (await ShadeAsync()).ShouldBe("dark");

        await visit.Page.GetByRole(AriaRole.Button, new() { Name = "Dark colours" }).ClickAsync();
        (await ShadeAsync()).ShouldBe("light");
        await visit.GoAsync("requests");
        (await ShadeAsync()).ShouldBe("light");

        Task<string> ShadeAsync() => visit.Page.EvaluateAsync<string>("() => document.documentElement.dataset.shade");
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task Everything_is_reached_with_the_keyboard_and_times_are_the_operators()
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        await visit.GoAsync("requests");
        await Assertions.Expect(visit.Page.Locator(".bottom")).ToContainTextAsync("Europe/Berlin");
        for (var presses = 0; presses < 30; presses++)
        {
            await visit.Page.Keyboard.PressAsync("Tab");
            if (await visit.Page.EvaluateAsync<bool>("() => document.activeElement.matches('.grid tbody a')"))
            {
                await visit.Page.Keyboard.PressAsync("Enter");
                await visit.Page.WaitForURLAsync(new Regex("/ops/requests/.+"));
                return;
            }
        }

        Assert.Fail("No request was reached.");
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task The_link_to_the_content_stays_on_its_page()
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        await visit.GoAsync("requests");

        await visit.Page.Locator(".skip").FocusAsync();
        await visit.Page.Keyboard.PressAsync("Enter");

        (await visit.Page.WaitForFunctionAsync("() => document.activeElement.id === 'content'")).ShouldNotBeNull();
        visit.Page.Url.ShouldEndWith("/ops/requests");
    }

    [Fact(Skip = LongRun.Reason, SkipUnless = nameof(LongRun.IsOn), SkipType = typeof(LongRun))]
    public async Task A_page_that_gets_no_socket_says_so_and_comes_back_when_there_is_one()
    {
        await using var visit = await gateway.Browser.VisitAsync(gateway.Address);
        var isShut = true;
        await visit.Page.RouteWebSocketAsync(new Regex("_blazor"), socket =>
        {
            if (isShut)
            {
                _ = socket.CloseAsync();
            }
            else
            {
                socket.ConnectToServer();
            }
        });

        await visit.Page.GotoAsync("");
        await Assertions.Expect(visit.Page.Locator(".lost")).ToBeVisibleAsync(new() { Timeout = 30_000 });
        isShut = false;

        await visit.Page.Locator("main[data-live]").WaitForAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(visit.Page.Locator(".lost")).ToBeHiddenAsync();
    }

    private static async Task AssertAccessibleAsync(Visit visit, string what)
    {
        var result = await visit.Page.RunAxe();
        result.Violations.Select(violation => $"{violation.Id}: {violation.Help}: {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}").ShouldBeEmpty(what);
    }

    private static async Task<Hour> HourAsync(Visit visit)
    {
        return new Hour(
            await Number("hit"), await Number("miss"), await Number("limited"), await Number("failed"), await Number("declined"), await Number("per-minute"), await Number("day"), await Number("units"),
            int.Parse(Regex.Match(await visit.Page.Locator(".tile .note").First.InnerTextAsync(), @"\d+").Value));

        async Task<int> Number(string id) => int.Parse(await visit.FigureAsync(id));
    }

    private sealed record Hour(int Hits, int Made, int Limited, int Failed, int Declined, int PerMinute, int Day, int Units, int Requests);
}
