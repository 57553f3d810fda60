using System.Text.RegularExpressions;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>What <c>docs/coolify.md</c> names is there.</summary>
public sealed partial class CoolifyGuideTests
{
    private static readonly string Guide = Document("docs/coolify.md");

    /// <summary>The form of them all, and other programs' words.</summary>
    private static readonly string[] Foreign = ["Section__Key", "OOMKilled"];

    [Fact]
    public void Every_variable_is_one_of_the_compose_file_or_a_documented_setting()
    {
        var settings = Document("docs/configuration.md");
        var known = ComposeFile.Main.Variables.Concat(ComposeFile.Main.Services["gateway"].Environment.Keys).ToHashSet();
        var named = Variable().Matches(Guide).Select(match => match.Value).Where(name => !Foreign.Contains(name)).Distinct().ToList();

        named.Count.ShouldBeGreaterThan(12);
        foreach (var name in named.Where(name => !known.Contains(name)))
        {
            settings.ShouldContain($"`{ListItem().Replace(name, "").Replace("__", ":", StringComparison.Ordinal)}`", customMessage: name);
        }
    }

    [Fact]
    public void Every_variable_of_the_compose_file_is_explained() =>
        ComposeFile.Main.Variables.Append("SERVICE_URL_GATEWAY_8080").Distinct().Where(name => !Guide.Contains($"`{name}`", StringComparison.Ordinal)).ShouldBeEmpty();

    [Fact]
    public void Every_command_of_the_program_is_there()
    {
        var commands = Document("docs/commands.md");
        var named = Command().Matches(Guide).Select(match => match.Groups[1].Value).Distinct().ToList();

        named.ShouldBe(["check", "probe"], ignoreOrder: true);
        named.ShouldAllBe(name => commands.Contains($"| `{name} ", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_file_and_every_heading_that_it_links_to_is_there()
    {
        foreach (Match link in Link().Matches(Guide))
        {
            var text = link.Groups[1].Length == 0 ? Guide : Document($"docs/{link.Groups[1].Value}");
            if (link.Groups[2].Success)
            {
                Heading().Matches(text).Select(heading => Anchor(heading.Groups[1].Value)).ShouldContain(link.Groups[2].Value);
            }
        }

        foreach (Match file in RepositoryFile().Matches(Guide))
        {
            File.Exists(Path.Combine(Repository.Root, file.Value)).ShouldBeTrue(file.Value);
        }
    }

    [Fact]
    public void Every_container_is_one_of_the_compose_file()
    {
        ContainerName().Matches(Guide).Select(match => match.Groups[1].Value).Distinct().ShouldBeSubsetOf(ComposeFile.Main.Services.Keys);
        RedisName().Matches(Guide).Select(match => match.Value).Distinct().ShouldBeSubsetOf(ComposeFile.Main.Services.Keys);
    }

    [Fact]
    public void What_is_said_of_sizes_and_of_stopping_is_so()
    {
        var (gateway, state, images) = (ComposeFile.Main.Services["gateway"], ComposeFile.Main.Services["redis-state"], ComposeFile.Main.Services["redis-images"]);

        Guide.ShouldContain($"Stop Grace Period*: **{gateway.StopGrace.TotalSeconds}**");
        Guide.ShouldContain($"for\nup to {(new ShutdownOptions().DrainLimit + ShutdownOptions.LastAnswers).TotalSeconds} s, and after its first {new ShutdownOptions().Grace.TotalSeconds} s takes nothing new");
        Guide.ShouldContain($"`maxmemory {state.Redis("maxmemory")}`, `maxmemory-policy {state.Redis("maxmemory-policy")}`");
        Guide.ShouldContain($"`maxmemory {images.Redis("maxmemory")}`, `maxmemory-policy {images.Redis("maxmemory-policy")}`");
        Guide.ShouldContain($"Memory limits {state.MemoryLimit >> 20} and {images.MemoryLimit >> 20} MB");
    }

    private static string Document(string path) => File.ReadAllText(Path.Combine(Repository.Root, path));

    private static string Anchor(string heading) => Punctuation().Replace(heading, "").ToLowerInvariant().Replace(' ', '-');

    [GeneratedRegex(@"(?<=`)(?:[A-Z]+(?:_[A-Z0-9]+)+|[A-Z][A-Za-z]+(?:__[A-Za-z0-9]+)+)(?=`)")]
    private static partial Regex Variable();

    [GeneratedRegex(@"__\d+$")]
    private static partial Regex ListItem();

    [GeneratedRegex(@"lumiku-gateway ([a-z]+)")]
    private static partial Regex Command();

    [GeneratedRegex(@"\]\((?!https:)([\w.]*)(?:#([\w-]+))?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?<=`/?)(?:docker-compose[\w.]*\.yml|Dockerfile)(?=`)")]
    private static partial Regex RepositoryFile();

    [GeneratedRegex(@"name=\^([a-z-]+?)-\)")]
    private static partial Regex ContainerName();

    [GeneratedRegex(@"\bredis-(?!cli)[a-z]+")]
    private static partial Regex RedisName();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w -]")]
    private static partial Regex Punctuation();
}
