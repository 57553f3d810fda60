using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Tests.Support;
using YamlDotNet.Serialization;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>A compose file of the repository, with the variables in it as they stand.</summary>
internal sealed partial class ComposeFile
{
    private ComposeFile(string text)
    {
        Variables = [.. Variable().Matches(Comment().Replace(text, "")).Select(match => match.Value)];
        var file = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(text);
        Services = ((Dictionary<object, object>)file["services"]).Select(service => new Service((string)service.Key, (Dictionary<object, object>)service.Value)).ToDictionary(service => service.Name);
        Volumes = file.TryGetValue("volumes", out var volumes) ? [.. ((Dictionary<object, object>)volumes).Keys.Cast<string>()] : [];
    }

    public IReadOnlyDictionary<string, Service> Services { get; }

    public IReadOnlyList<string> Volumes { get; }

    /// <summary>Every name that is filled in, once for each place.</summary>
    public IReadOnlyList<string> Variables { get; }

    /// <summary>As compose itself and as Coolify read it.</summary>
    public static ComposeFile Main { get; } = Read("docker-compose.yml");

    public static ComposeFile Replicas { get; } = Read("docker-compose.replicas.yml");

    public static ComposeFile Override { get; } = Read("docker-compose.override.yml");

    /// <summary>What compose's own interpolation makes of a text: <c>$A</c>, <c>${A}</c>, <c>${A:-default}</c>, <c>${A:?}</c>, <c>$$</c>. Defaults are worked out even where they are not needed, as compose does.</summary>
    /// <exception cref="InvalidOperationException">A required variable is missing.</exception>
    public static string Interpolate(string text, IReadOnlyDictionary<string, string> variables)
    {
        var result = new StringBuilder();
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] != '$')
            {
                result.Append(text[at]);
            }
            else if (text[at + 1] == '$')
            {
                result.Append(text[++at]);
            }
            else if (text[at + 1] == '{')
            {
                var end = EndOf(text, at);
                result.Append(Braced(text[(at + 2)..end], variables));
                at = end;
            }
            else
            {
                var name = Name().Match(text, at + 1).Value;
                result.Append(variables.GetValueOrDefault(name, ""));
                at += name.Length;
            }
        }

        return result.ToString();
    }

    private static string Braced(string content, IReadOnlyDictionary<string, string> variables)
    {
        var name = Name().Match(content).Value;
        var (value, rest) = (variables.GetValueOrDefault(name, ""), content[name.Length..]);
        return rest switch
        {
            "" => value,
            _ when rest.StartsWith(":-", StringComparison.Ordinal) => Interpolate(rest[2..], variables) is var other && value.Length > 0 ? value : other,
            _ when rest.StartsWith(":?", StringComparison.Ordinal) => value.Length > 0 ? value : throw new InvalidOperationException($"required variable {name} is missing a value"),
            _ => throw new FormatException($"${{{content}}}"),
        };
    }

    private static int EndOf(string text, int start)
    {
        for (var (at, open) = (start, 0); at < text.Length; at++)
        {
            open += text[at] switch { '{' => 1, '}' => -1, _ => 0 };
            if (open == 0 && text[at] == '}')
            {
                return at;
            }
        }

        throw new FormatException(text);
    }

    private static ComposeFile Read(string name) => new(File.ReadAllText(Path.Combine(Repository.Root, name)));

    [GeneratedRegex(@"\G[A-Za-z_]\w*")]
    private static partial Regex Name();

    [GeneratedRegex(@"(?<=(?<!\$)\$\{?)[A-Z]\w*")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^\s*#.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    internal sealed record Service(string Name, IReadOnlyDictionary<object, object> Keys)
    {
        public IReadOnlyDictionary<string, string> Environment => Map("environment").ToDictionary(pair => (string)pair.Key, pair => (string?)pair.Value ?? "");

        public IReadOnlyDictionary<object, object> HealthCheck => Map("healthcheck");

        public bool Has(string key) => Keys.ContainsKey(key);

        public string Text(string key) => Keys.TryGetValue(key, out var value) ? (string)value : "";

        public IReadOnlyList<string> List(string key) => Keys.TryGetValue(key, out var value) ? [.. ((List<object>)value).Cast<string>()] : [];

        public IReadOnlyDictionary<object, object> Map(string key) => Keys.TryGetValue(key, out var value) ? (Dictionary<object, object>)value : [];

        public TimeSpan StopGrace => TimeSpan.FromSeconds(int.Parse(Text("stop_grace_period").TrimEnd('s'), CultureInfo.InvariantCulture));

        public long MemoryLimit => Bytes(Text("mem_limit"));

        /// <summary>What <c>redis-server</c> is told with <c>--name</c>.</summary>
        public string Redis(string name) => List("command") is var words && words.ToList().IndexOf($"--{name}") is var at and >= 0 ? words[at + 1] : throw new KeyNotFoundException(name);

        public static long Bytes(string size)
        {
            var number = size.TrimEnd('b', 'g', 'm', 'k');
            return long.Parse(number, CultureInfo.InvariantCulture) << (size[number.Length] switch { 'g' => 30, 'm' => 20, _ => 10 });
        }
    }
}
