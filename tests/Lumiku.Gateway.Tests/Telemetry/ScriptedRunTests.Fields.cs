using System.Text.RegularExpressions;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <content>What the lines of all outcomes have is what <c>docs/operations.md</c> says they have.</content>
public sealed partial class ScriptedRunTests
{
    [Fact]
    public async Task Every_field_of_a_requests_line_is_documented_and_every_documented_one_is_in_some_line()
    {
        await RunAsync();
        await Eventually.BeAsync(() => Logged().Values.Sum() == _expected.Values.Sum(), "all lines are written");

        var written = _gateway.Lines().Where(line => line.TryGetProperty("Outcome", out _)).SelectMany(line => line.EnumerateObject()).Select(field => field.Name).Distinct();

        Documented().ShouldBe(written, ignoreOrder: true);
    }

    [Fact]
    public async Task Users_and_prompts_are_in_the_log_as_hashes_by_which_equal_ones_are_found()
    {
        var picture = Picture();
        foreach (var (body, tier) in new[] { (picture, "pro"), (picture, "basic"), (Picture(), "pro") })
        {
            (await AskAsync(TestGateway.Sd3, body, tier, cacheControl: "no-store")).Dispose();
        }

        await Eventually.BeAsync(() => _gateway.Lines().Count(line => line.TryGetProperty("User", out _)) == 3, "three lines are written");
        var lines = _gateway.Lines().Where(line => line.TryGetProperty("User", out _)).ToList();

        lines[0].GetProperty("User").GetString().ShouldBe(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("user-of-pro"u8))[..12]);
        lines[0].GetProperty("PromptCharacters").GetInt32().ShouldBe("picture 1".Length);
        string[] prompts = [.. lines.Select(line => line.GetProperty("Prompt").GetString()!)];
        prompts.ShouldAllBe(prompt => prompt.Length == 12);
        (prompts[0], prompts[0] == prompts[2]).ShouldBe((prompts[1], false));
        prompts[0].ShouldNotBe(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("picture 1"u8))[..12], "the hash is keyed");
    }

    /// <summary>The first column of the table below “The request log”.</summary>
    private static IEnumerable<string> Documented() => File.ReadLines(Path.Combine(Repository.Root, "docs", "operations.md"))
        .SkipWhile(line => line != "## The request log").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
        .Where(line => line.StartsWith("| `", StringComparison.Ordinal)).SelectMany(line => Name().Matches(line.Split('|')[1])).Select(name => name.Groups[1].Value);

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();
}
