using System.Text.RegularExpressions;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests;

/// <summary>The folder listing is the request's path: a folder uses those above it, never one further down.</summary>
public partial class StructureTests
{
    /// <summary>The path, in its order.</summary>
    private static readonly string[] Path = ["Authentication", "Entitlements", "InferenceRequests", "ModelSubstitution", "RateLimiting", "ResponseCaching", "Generation", "ReverseProxy", "Dashboard"];

    /// <summary>Used by all; Settings and Commands know every folder, as they put them together.</summary>
    private static readonly string[] PuttingTogether = ["Settings", "Commands"];

    [Fact]
    public void No_folder_uses_one_further_down_the_path()
    {
        var source = Source();
        foreach (var file in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories))
        {
            var folder = System.IO.Path.GetRelativePath(source, file).Split(System.IO.Path.DirectorySeparatorChar)[0];
            var place = Array.IndexOf(Path, folder);
            if (place < 0)
            {
                continue;
            }

            foreach (Match used in UsedFolder().Matches(File.ReadAllText(file)))
            {
                Array.IndexOf(Path, used.Groups[1].Value).ShouldBeLessThanOrEqualTo(place, $"{file} uses {used.Groups[1].Value}");
            }
        }
    }

    [Fact]
    public void Every_folder_is_in_the_path_or_shared()
    {
        string[] known = [.. Path, .. PuttingTogether, "Health", "Redis", "Telemetry"];

        Directory.EnumerateDirectories(Source()).Select(System.IO.Path.GetFileName).Where(name => name is not ("bin" or "obj")).ShouldBeSubsetOf(known);
    }

    [Fact]
    public void No_folder_but_the_last_knows_the_operators_page()
    {
        var source = Source();
        var users = Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(file => File.ReadAllText(file).Contains("Lumiku.Gateway.Dashboard", StringComparison.Ordinal))
            .Select(file => System.IO.Path.GetRelativePath(source, file)).Where(file => !file.StartsWith("Dashboard", StringComparison.Ordinal));

        // Those at the root put the gateway together, and Settings reads all options.
        users.ShouldAllBe(file => !file.Contains(System.IO.Path.DirectorySeparatorChar) || file.EndsWith("GatewaySettings.cs"));
    }

    /// <summary>But for Blazor's components, which the compiler makes public, and what they are given.</summary>
    [Fact]
    public void Every_type_is_internal()
    {
        var types = typeof(GatewayProblem).Assembly.GetTypes().Where(type => type.Namespace?.StartsWith("Lumiku", StringComparison.Ordinal) == true).ToList();

        types.ShouldNotBeEmpty();
        types.Where(type => type.IsPublic && type.Namespace != "Lumiku.Gateway.Dashboard.Pages").ShouldBeEmpty();
    }

    [Fact]
    public void The_errors_are_a_closed_list_of_known_types_and_none_is_a_503()
    {
        string[] known =
        [
            "malformed-body", "unauthenticated", "rate-limited", "model-not-in-tier", "unknown-route", "model-not-offered", "method-not-allowed", "body-too-large",
            "unsupported-media-type", "unknown-tier", "invalid-user", "parameter-refused", "upstream-refused", "upstream-rate-limited", "upstream-failed", "upstream-account",
            "not-an-image", "still-generating", "model-loading", "upstream-overloaded", "upstream-timeout", "internal", "too-many-at-once", "quota-exceeded",
        ];
        var text = File.ReadAllText(System.IO.Path.Combine(Source(), "GatewayProblems.cs"));

        var made = MadeProblem().Matches(text).Select(match => (Status: int.Parse(match.Groups[1].Value), Type: match.Groups[2].Value)).ToList();

        made.Select(problem => problem.Type).Distinct().Order(StringComparer.Ordinal).ShouldBe(known.Order(StringComparer.Ordinal));
        made.ShouldNotContain(problem => problem.Status == 503);
    }

    private static string Source() => System.IO.Path.Combine(Repository.Root, "src", "Lumiku.Gateway");

    [GeneratedRegex(@"Lumiku\.Gateway\.([A-Z][A-Za-z]+)")]
    private static partial Regex UsedFolder();

    [GeneratedRegex("""\(\s*(\d{3}), "([a-z-]+)",""")]
    private static partial Regex MadeProblem();
}
