using Lumiku.Gateway.Tests.Support;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>The rules as Prometheus reads them: a key that it does not know is a mistake.</summary>
internal sealed class RuleFile
{
    public List<Group> Groups { get; init; } = [];

    public IEnumerable<Rule> Rules => Groups.SelectMany(group => group.Rules);

    public IEnumerable<Rule> Alerts => Rules.Where(rule => rule.Alert is not null);

    public Dictionary<string, PromQuery> Recorded => Rules.Where(rule => rule.Record is not null).ToDictionary(rule => rule.Record!, rule => rule.Query);

    public static RuleFile Read() => new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).Build()
        .Deserialize<RuleFile>(File.ReadAllText(PathOf("lumiku-gateway.rules.yml")));

    public static string PathOf(string name) => Path.Combine(Repository.Root, "deploy", "prometheus", name);

    internal sealed class Group
    {
        public string? Name { get; init; }

        public List<Rule> Rules { get; init; } = [];
    }

    internal sealed class Rule
    {
        public string? Record { get; init; }

        public string? Alert { get; init; }

        public string Expr { get; init; } = "";

        public string? For { get; init; }

        public Dictionary<string, string> Labels { get; init; } = [];

        public Dictionary<string, string> Annotations { get; init; } = [];

        public PromQuery Query => new(Expr);
    }
}
