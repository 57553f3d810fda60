using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Entitlements;

public class EntitlementsTests(GatewayFixture fixture) : IClassFixture<GatewayFixture>
{
    private const string Body = """{"inputs":"a heron"}""";

    [Theory]
    [InlineData("u1", "pro", TestGateway.Dev)]
    [InlineData("u1", "PrO", TestGateway.Dev)]
    [InlineData("u1", null, TestGateway.Schnell)] // A user without tier is at DefaultTier.
    [InlineData(null, "basic", TestGateway.Schnell)] // That tier's rules, counted on the caller.
    [InlineData(null, null, TestGateway.Dev)] // The caller's own tier, internal.
    public async Task The_backend_says_for_whom_and_at_which_tier(string? user, string? tier, string served)
    {
        var answer = await AskAsync(user, tier);

        answer.ShouldBeAnImage();
        answer.Header("X-Lumiku-Model-Served").ShouldBe(served);
    }

    [Theory]
    [InlineData("gold")]
    [InlineData("pro,free")]
    [InlineData("pro free")]
    [InlineData("ｐｒｏ")]
    public async Task An_unknown_tier_is_422_and_the_message_lists_the_tiers(string tier)
    {
        var answer = await AskAsync("u1", tier);

        answer.ShouldBe(422, "unknown-tier");
        answer.Error.ShouldContain("basic, enterprise, free, internal, payg, pro");
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("", null)]
    [InlineData(" ", "pro")]
    public async Task An_empty_user_is_422_not_the_backend_itself_at_its_own_tier(string user, string? tier) => (await AskAsync(user, tier)).ShouldBe(422, "invalid-user");

    [Fact]
    public async Task An_empty_tier_is_422() => (await AskAsync("u1", "")).ShouldBe(422, "unknown-tier");

    [Theory]
    [InlineData("two words")]
    [InlineData("a,b")]
    [InlineData("ümlaut")]
    public async Task A_user_id_that_is_not_visible_ascii_is_422(string user) => (await AskAsync(user, "pro")).ShouldBe(422, "invalid-user");

    [Fact]
    public async Task A_user_id_may_have_128_characters_and_no_more()
    {
        (await AskAsync(new string('u', 128), "pro")).ShouldBeAnImage();
        var refused = await AskAsync(new string('u', 129), "pro");
        refused.ShouldBe(422, "invalid-user");
        refused.Error.ShouldContain("129 characters");
    }

    [Fact]
    public async Task A_header_given_twice_is_refused_rather_than_chosen_from()
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, Body, change: request =>
        {
            request.Headers.Add("X-Lumiku-Tier", "free");
            request.Headers.Add("X-Lumiku-Tier", "pro");
        });

        answer.ShouldBe(422, "unknown-tier");
    }

    [Theory]
    [InlineData("X_Lumiku_Tier")]
    [InlineData("X-User-Tier")]
    [InlineData("X-Lumiku-Tier-")]
    public async Task Look_alikes_of_the_tier_header_say_nothing(string header)
    {
        var answer = await fixture.Gateway.GenerateAsync(TestGateway.Dev, Body, "free", request => request.Headers.TryAddWithoutValidation(header, "pro"));

        answer.Header("X-Lumiku-Model-Served").ShouldBe(TestGateway.Schnell);
        fixture.HuggingFace.Received[^1].Header(header).ShouldBeNull();
    }

    private Task<Answer> AskAsync(string? user, string? tier) => fixture.Gateway.GenerateAsync(TestGateway.Dev, Body, change: request =>
    {
        if (user is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Lumiku-User", user);
        }

        if (tier is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Lumiku-Tier", tier);
        }
    });
}
