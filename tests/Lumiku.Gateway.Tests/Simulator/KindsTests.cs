using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Simulator;

public class KindsTests
{
    [Fact]
    public void The_simulators_README_lists_every_kind_in_its_order()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "Lumiku.HuggingFace.Simulator", "README.md"));

        lines.Where(line => line.StartsWith("| `", StringComparison.Ordinal)).SkipWhile(line => !line.Contains("accept-not-supported"))
            .ShouldBe(Misbehaviour.Kinds.Select(kind => $"| `{kind.Example}` | {kind.Description} |"));
    }

    [Theory]
    [InlineData("output-url(http://a/?b=c,d)", "output-url(http://a/?b=c,d)")]
    [InlineData("at-polls(3, loading-times(1,2))", "at-polls(3,loading-times(1,2))")]
    [InlineData("failed-prediction(one, two)", "failed-prediction(one, two)")]
    public void A_kind_is_written_as_it_was_read(string text, string written) => Misbehaviour.Parse(text).ToString().ShouldBe(written);
}
