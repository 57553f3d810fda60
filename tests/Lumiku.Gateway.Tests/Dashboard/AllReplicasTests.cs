using System.Net;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Dashboard;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>The operators' page at one replica of several, as it is made before a browser's socket is open.</summary>
public sealed class AllReplicasTests : ReplicaTests
{
    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await StartAsync(2, isPatient: true, OperatorsPages.Setting, "Tiers:basic:RequestsPerMinute=1", "Cost:PerUnit=0.01");
        await OfAsync(0, HttpStatusCode.OK, "anna", "pro", """{"inputs":"a lighthouse"}""");
        await OfAsync(1, HttpStatusCode.OK, "anna", "pro", """{"inputs":"a lighthouse"}""");
        await OfAsync(1, HttpStatusCode.OK, "bert", "pro", """{"inputs":"a heron"}""");
        await OfAsync(1, HttpStatusCode.OK, "carl", "basic", """{"inputs":"a heron"}""");
        await OfAsync(0, HttpStatusCode.TooManyRequests, "carl", "basic", """{"inputs":"a heron"}""");
    }

    [Fact]
    public async Task Requests_models_tiers_and_users_are_those_of_all()
    {
        var digest = await WholeAsync(0);

        digest.Rows.Select(row => (row.Status, row.User)).ShouldBe([(429, Hash("carl")), (200, Hash("carl")), (200, Hash("bert")), (200, Hash("anna")), (200, Hash("anna"))], "the newest first");
        digest.Rows.Select(row => row.Replica).Distinct().Count().ShouldBe(2);
        var model = digest.Models.ShouldHaveSingleItem();
        (model.Model, model.Requests, model.Hits + model.Shared, model.Made).ShouldBe((TestGateway.Sd3, 5, 2, 2));
        digest.Tiers.Select(tier => (tier.Tier, tier.Requests, tier.Users.Count, tier.Units, tier.RefusedByRequests))
            .ShouldBe([("basic", 2, 1, 0, 1), ("pro", 3, 2, 2, 0)], ignoreOrder: true, "anna asked two replicas, and is one");
        digest.Users.Select(user => (user.Name, user.Requests)).ShouldBe([(Hash("anna"), 2), (Hash("bert"), 1), (Hash("carl"), 2)], ignoreOrder: true);
        (digest.Count, digest.Since).ShouldBe((5, null));
    }

    [Fact]
    public async Task Every_page_has_the_numbers_of_all_and_no_prompt()
    {
        await WholeAsync(0);
        var sampler = Replicas[0].Services.GetRequiredService<Sampler>();
        await Eventually.BeAsync(() => sampler.Current.Present.Count == 2, "the other replica is known");

        Figure(await PageAsync(""), "miss").ShouldBe("2");
        (await PageAsync("requests")).ShouldSatisfyAllConditions(
            page => Figure(page, "shown").ShouldBe("5"), page => page.ShouldContain("of the last 5, of all 2 replicas."), page => page.ShouldContain(Hash("bert")), page => page.ShouldContain("429 rate-limited"));
        (await PageAsync("requests?outcome=refused")).ShouldSatisfyAllConditions(page => Figure(page, "shown").ShouldBe("1"), page => page.ShouldNotContain(Hash("bert")));
        (await PageAsync("catalog")).ShouldSatisfyAllConditions(page => Figure(ModelOf(page), "requests").ShouldBe("5"), page => Figure(ModelOf(page), "made").ShouldBe("2"));
        (await PageAsync("tiers")).ShouldSatisfyAllConditions(page => page.ShouldContain(", of all 2 replicas"), page => page.ShouldContain(Hash("anna")));
        (await PageAsync("settings")).ShouldContain($"#{TextDigest.Of(TestGateway.BackendKey, digits: 8)}");
        Regex.Count(await PageAsync("replicas"), "data-replica=").ShouldBe(3, "two, and their sum");
    }

    [Fact]
    public async Task While_nobody_looks_nothing_is_written()
    {
        (await Redis.TellAsync("KEYS", "*:ops:*")).ShouldBe("*0", "a list of none");

        await WholeAsync(0);

        (await Redis.TellAsync("KEYS", "*:ops:*")).ShouldBe("*1");
    }

    [Theory]
    [InlineData("no time")]
    [InlineData("9999999999999 no json")]
    [InlineData("9999999999999 {}")]
    [InlineData("""9999999999999 {"Replicas":["of another release"],"Rows":[],"Count":1}""")]
    public async Task What_another_release_tells_is_left_out(string told)
    {
        await Redis.TellAsync("HSET", "lumiku:ops:3:{requests}", "stranger", told);

        (await WholeAsync(0)).Replicas.Count.ShouldBe(2);
    }

    private static string Hash(string user) => TextDigest.Of(user, digits: 12);

    private static string Figure(string page, string name) => Regex.Match(page, $"data-figure=\"{name}\"[^>]*>([^<]*)<").Groups[1].Value;

    private static string ModelOf(string page) => page[page.IndexOf($"data-model=\"{TestGateway.Sd3}\"", StringComparison.Ordinal)..];

    private async Task OfAsync(int replica, HttpStatusCode status, string user, string tier, string body) => (await AskAsync(replica, user, body, tier)).Status.ShouldBe(status);

    /// <summary>What a replica's page shows once the other has answered.</summary>
    private async Task<Digest> WholeAsync(int replica)
    {
        var stories = Replicas[replica].Services.GetRequiredService<StoryDigest>();
        await Eventually.BeAsync(() => stories.Current.Rows.Count == 5, "the other replica's requests are known");
        return stories.Current;
    }

    private async Task<string> PageAsync(string view)
    {
        var page = await Replicas[0].PageAsync(view);
        page.ShouldNotContain("heron");
        page.ShouldNotContain("anna");
        return page;
    }
}
