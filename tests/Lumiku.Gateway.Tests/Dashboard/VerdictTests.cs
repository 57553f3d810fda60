using Lumiku.Gateway.Dashboard;
using Lumiku.Gateway.Telemetry;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>The one sentence, and what it is made of.</summary>
public class VerdictTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void All_is_well_where_nothing_is_wrong() => Verdict.Of(SampleOf(activity => activity.Count(Counted.Requests))).ShouldBe(new Verdict(Tone.Good, "All is well."));

    [Fact]
    public void Nobody_asking_is_well_too() => Verdict.Of(SampleOf(_ => { })).Tone.ShouldBe(Tone.Good);

    [Fact]
    public void A_refused_file_comes_before_all_else()
    {
        var verdict = Verdict.Of(SampleOf(_ => { }) with { Settings = 3, Refused = ["'Tiers:pro:Burst' must be …"], Resting = ["huggingface/second"] });

        verdict.Tone.ShouldBe(Tone.Bad);
        verdict.Sentence.ShouldContain("settings 3 serve on");
        verdict.Advice.ShouldNotBeNull().ShouldContain("Tiers:pro:Burst");
    }

    [Theory]
    [InlineData(2, 2, "Good")] // Too few to say anything.
    [InlineData(3, 3, "Bad")]
    [InlineData(100, 4, "Good")]
    [InlineData(100, 5, "Bad")]
    public void Failures_count_by_their_share(int requests, int failed, string tone) => Verdict.Of(SampleOf(activity =>
    {
        activity.Count(Counted.Requests, requests);
        activity.Count(Counted.Failed, failed);
    })).Tone.ToString().ShouldBe(tone);

    [Fact]
    public void What_is_over_for_five_minutes_is_no_trouble_any_more()
    {
        var activity = new RecentActivity(_time);
        activity.Count(Counted.Requests, 10);
        activity.Count(Counted.Failed, 10);
        _time.Advance(TimeSpan.FromMinutes(6));

        Verdict.Of(SampleOf(activity)).Tone.ShouldBe(Tone.Good);
    }

    [Fact]
    public void The_hour_is_remembered_by_minutes_and_forgotten_after()
    {
        var activity = new RecentActivity(_time);
        activity.Count(Counted.Hits, 3);
        _time.Advance(TimeSpan.FromMinutes(10));
        activity.Count(Counted.Hits, 2);

        var minutes = activity.Read(Counted.Hits);
        (minutes[59], minutes[49], minutes.Sum()).ShouldBe((2, 3, 5));
        _time.Advance(TimeSpan.FromMinutes(51));
        activity.Read(Counted.Hits).Sum().ShouldBe(2);
        _time.Advance(TimeSpan.FromMinutes(60));
        activity.Read(Counted.Hits).Sum().ShouldBe(0, "nobody counted since, and the slots are stale");
    }

    [Fact]
    public void An_hours_money_may_be_much()
    {
        var sample = SampleOf(activity =>
        {
            activity.Spent(2_000);
            activity.Spent(3_000);
        });

        ReplicaSample.Add([sample, sample]).Sum(Counted.SpentMillionths).ShouldBe(10_000_000_000);
    }

    [Fact]
    public void What_two_limits_refuse_is_one_refusal()
    {
        var sample = SampleOf(activity => activity.RequestEnded(new RequestRecord { ViolatedPolicies = ["day", "month"] }, status: 429));

        (sample.Sum(Counted.Requests), sample.Sum(Counted.Refused), sample.Sum(Counted.RefusedByDay), sample.Sum(Counted.RefusedByMonth)).ShouldBe((1, 1, 1, 1));
    }

    [Fact]
    public void Replicas_are_added_up_and_their_times_are_of_all()
    {
        var (one, other) = (SampleOf(activity => activity.Count(Counted.Hits, 3)) with { Running = 1, Models = [new("m", [100, 300], 1)] },
            SampleOf(activity => activity.Count(Counted.Hits, 4)) with { Running = 2, Models = [new("m", [200], 0)], Redis = [new("limits", "Redis is away", 1)] });

        var sum = ReplicaSample.Add([one, other]);

        (sum.Sum(Counted.Hits), sum.Running).ShouldBe((7, 3));
        sum.Models.ShouldHaveSingleItem().Quantile(0.5).ShouldBe(TimeSpan.FromMilliseconds(200));
        sum.Redis.ShouldHaveSingleItem().Problem.ShouldNotBeNull();
    }

    [Fact]
    public void A_sample_travels_whole_and_another_releases_is_none()
    {
        var sample = SampleOf(activity => activity.Count(Counted.Hits, 3));

        SampleJson.Parse(SampleJson.Serialize(sample)).ShouldNotBeNull().Sum(Counted.Hits).ShouldBe(3);
        SampleJson.Parse("{}").ShouldBeNull();
        SampleJson.Parse("""{"Replica":"a","Minutes":[[1]]}""").ShouldBeNull();
        SampleJson.Parse("no JSON").ShouldBeNull();
    }

    [Theory]
    [InlineData("failed", 500, "internal", true)]
    [InlineData("failed", 429, "rate-limited", false)]
    [InlineData("refused", 429, "quota-exceeded", true)]
    [InlineData("refused", 429, "upstream-rate-limited", false)]
    [InlineData("ok", 200, "ok", true)]
    public void Outcomes_are_filtered_one_by_one_and_in_kinds(string wanted, int status, string outcome, bool isTaken) =>
        new RequestFilter { Outcome = wanted }.Takes(new(1, "id", _time.GetUtcNow(), status, outcome, "pro", "a/b", "a/b", "none", "u", TimeSpan.Zero, 0), _time.GetUtcNow()).ShouldBe(isTaken);

    private ReplicaSample SampleOf(Action<RecentActivity> happens)
    {
        var activity = new RecentActivity(_time);
        happens(activity);
        return SampleOf(activity);
    }

    private ReplicaSample SampleOf(RecentActivity activity) => new("here", _time.GetUtcNow(), _time.GetUtcNow(), [.. Enum.GetValues<Counted>().Select(activity.Read)]);
}
