using System.Globalization;
using Lumiku.Gateway.Commands.Rehearsal;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Commands.Rehearsal;

/// <summary>What a rehearsal says of a log is what happens when the same traffic comes to a gateway with those settings.</summary>
public class RehearsalTests
{
    private const string WhatWas = "15 units, 3 substituted, 2 model-not-offered, 2 quota-exceeded, 1 rate-limited, 1 too-many-at-once";

    private static readonly Lazy<Task<RecordedTraffic>> Usual = new(() => RecordedTraffic.RunAsync());

    [Theory]
    [InlineData("Tiers:free:Burst=2", "14 units, 3 substituted, 2 model-not-offered, 1 quota-exceeded, 3 rate-limited, 1 too-many-at-once")]
    [InlineData("Tiers:free:Burst=6", "15 units, 3 substituted, 2 model-not-offered, 3 quota-exceeded, 1 too-many-at-once")]
    [InlineData("Tiers:free:RequestsPerMinute=1", "15 units, 3 substituted, 2 model-not-offered, 1 quota-exceeded, 2 rate-limited, 1 too-many-at-once")]
    [InlineData("Tiers:free:UnitsPerDay=1", "10 units, 2 substituted, 2 model-not-offered, 7 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData("Tiers:free:UnitsPerDay=100", "16 units, 3 substituted, 2 model-not-offered, 1 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData("Tiers:free:UnitsPerMonth=3", "13 units, 3 substituted, 2 model-not-offered, 4 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData("Tiers:free:ConcurrentRequests=2", "16 units, 3 substituted, 2 model-not-offered, 2 quota-exceeded, 1 rate-limited")]
    [InlineData("Tiers:free:Entitlements:0=PRO", "15 units, 1 substituted, 2 model-not-offered, 2 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData("Models:Unlisted=Allow", "16 units, 3 substituted, 2 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData($"Models:Catalog:{RecordedTraffic.Unlisted}:Units=3", "18 units, 3 substituted, 2 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData($"Models:Catalog:{TestGateway.Sd3}:Units=2", "17 units, 3 substituted, 2 model-not-offered, 5 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData($"Models:Catalog:{TestGateway.Schnell}:Units=0", "12 units, 3 substituted, 2 model-not-offered, 2 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData("Callers:studio:Limits:UnitsPerDay=1", "14 units, 3 substituted, 2 model-not-offered, 3 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    [InlineData("Quota:TimeZone=Pacific/Auckland", "14 units, 3 substituted, 2 model-not-offered, 3 quota-exceeded, 1 rate-limited, 1 too-many-at-once")]
    public async Task What_is_foretold_from_one_gateways_log_is_what_another_ones_log_shows(string setting, string foretells)
    {
        var (before, after) = (await Usual.Value, await RecordedTraffic.RunAsync(setting));

        var foretold = await before.RehearseAsync(after.Settings);
        var happened = await after.RehearseAsync(after.Settings);
        var back = await after.RehearseAsync(before.Settings);

        Now(foretold).ShouldBe(Then(happened));
        Figures(foretold.Total.Then).ShouldBe(WhatWas);
        Figures(foretold.Total.Now).ShouldBe(foretells);
        Now(back).ShouldBe(Then(foretold), "and the way back is foretold as well");
        happened.Rows.ShouldAllBe(row => !row.Differs(), "the settings that served foretell what was");
    }

    [Fact]
    public async Task The_settings_that_served_foretell_no_difference()
    {
        var traffic = await Usual.Value;

        var report = await traffic.RehearseAsync(traffic.Settings);

        Now(report).ShouldBe(Then(report));
        report.Requests.ShouldBe(traffic.Lines.Count);
        Figures(report.Total.Now).ShouldBe(WhatWas);
    }

    [Fact]
    public async Task A_log_that_begins_in_the_middle_of_a_day_foretells_no_difference_either()
    {
        var traffic = await Usual.Value;

        var report = await traffic.RehearseAsync(traffic.Settings, skip: 5); // Anna has used three of her four units.

        report.Total.Then.Refusals["quota-exceeded"].ShouldBe(2);
        report.Rows.ShouldAllBe(row => !row.Differs());
    }

    [Fact]
    public async Task A_model_that_a_tier_may_not_have_any_more_is_refused_it()
    {
        var (before, after) = (await Usual.Value, await RecordedTraffic.RunAsync($"Models:Catalog:{TestGateway.Sd3}:Requires=PRO"));

        var foretold = await before.RehearseAsync(after.Settings);

        Now(foretold).ShouldBe(Then(await after.RehearseAsync(after.Settings)));
        Figures(foretold.Total.Now).ShouldBe("7 units, 3 substituted, 13 model-not-in-tier, 2 model-not-offered");
    }

    [Fact]
    public async Task Users_for_whom_no_tier_was_named_are_replayed_at_the_default_one()
    {
        var (before, after) = (await Usual.Value, await RecordedTraffic.RunAsync("DefaultTier=payg", "Tiers:payg:UnitsPerDay=0"));

        var foretold = await before.RehearseAsync(after.Settings);

        Figures(foretold.Total.Now).ShouldBe(Figures((await after.RehearseAsync(after.Settings)).Total.Then));
        Figures(foretold.Total.Now).ShouldBe("14 units, 3 substituted, 2 model-not-offered, 3 quota-exceeded, 1 rate-limited, 1 too-many-at-once");
    }

    private static string[] Then(RehearsalReport report) => [.. report.Rows.Select(row => $"{row.Tier} {row.Model} {row.Requests}: {Figures(row.Then)}")];

    private static string[] Now(RehearsalReport report) => [.. report.Rows.Select(row => $"{row.Tier} {row.Model} {row.Requests}: {Figures(row.Now)}")];

    private static string Figures(RehearsalCounts counts) =>
        string.Create(CultureInfo.InvariantCulture, $"{counts.Units} units, {counts.Substitutions} substituted{string.Concat(counts.Refusals.Select(pair => $", {pair.Value} {pair.Key}"))}");
}
