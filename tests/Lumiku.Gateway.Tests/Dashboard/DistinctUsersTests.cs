using Lumiku.Gateway.Dashboard;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>Users who are counted at several replicas.</summary>
public sealed class DistinctUsersTests
{
    [Fact]
    public void Whoever_asks_two_replicas_is_one()
    {
        var sum = DistinctUsers.Add([Of(0, 300), Of(200, 300)]);

        sum.IsExact.ShouldBeTrue();
        sum.Count.ShouldBe(500);
        DistinctUsers.None.Count.ShouldBe(0);
    }

    [Fact]
    public void Many_are_estimated_and_adding_up_is_no_worse_than_counting_at_one_place()
    {
        var sum = DistinctUsers.Add([Of(0, 6_000), Of(4_000, 6_000)]);

        sum.IsExact.ShouldBeFalse();
        sum.Count.ShouldBe(Of(0, 10_000).Count);
        sum.Count.ShouldBeInRange(9_000, 11_000);
        sum.Smallest.Length.ShouldBe(DistinctUsers.Most);
    }

    /// <summary>Each asks twice.</summary>
    private static DistinctUsers Of(int first, int count) =>
        DistinctUsers.Of(Enumerable.Range(first, count).Concat(Enumerable.Range(first, count)).Select(number => TextDigest.Of($"user {number}", digits: 12)));
}
