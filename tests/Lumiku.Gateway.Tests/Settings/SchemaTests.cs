using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Dashboard;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ReverseProxy;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Microsoft.Extensions.Configuration;
using Shouldly;
using Xunit;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.Tests.Settings;

/// <summary><c>appsettings.schema.json</c>, what the code binds and <c>docs/configuration.md</c> say the same: names, kinds, defaults, ranges.</summary>
public partial class SchemaTests
{
    /// <summary>Where each type is bound from. YARP's have an id besides, which is the section's name.</summary>
    public static TheoryData<string, Type> Bound => new()
    {
        { "Callers:x", typeof(CallerOptions) },
        { "Callers:x:Limits", typeof(UsageLimits) },
        { "Tiers:x", typeof(TierOptions) },
        { "Models", typeof(ModelsOptions) },
        { "Models:Catalog:x", typeof(ModelOptions) },
        { "Models:Catalog:x:Parameters", typeof(ParameterRules) },
        { "Models:Catalog:x:Served:0", typeof(ServedOptions) },
        { "Models:Catalog:x:Served:0:Parameters", typeof(ProviderRules) },
        { "Upstreams:x", typeof(UpstreamOptions) },
        { "Upstreams:x:Parameters", typeof(ProviderRules) },
        { "Cost", typeof(CostOptions) },
        { "Ops", typeof(OpsOptions) },
        { "Quota", typeof(QuotaOptions) },
        { "Generation", typeof(GenerationOptions) },
        { "Generation:Breaker", typeof(BreakerOptions) },
        { "Generation:FailureRules:0", typeof(FailureRule) },
        { "Cache", typeof(CacheOptions) },
        { "Redis", typeof(RedisOptions) },
        { "Shutdown", typeof(ShutdownOptions) },
        { "Limits", typeof(LimitsOptions) },
        { "Network", typeof(NetworkOptions) },
        { "RateLimiterPolicies:x", typeof(RateLimiterPolicyOptions) },
    };

    public static TheoryData<string, Type> OfYarp => new()
    {
        { "ReverseProxy:Routes:x", typeof(RouteConfig) },
        { "ReverseProxy:Routes:x:Match", typeof(RouteMatch) },
        { "ReverseProxy:Routes:x:Match:Headers:0", typeof(RouteHeader) },
        { "ReverseProxy:Routes:x:Match:QueryParameters:0", typeof(RouteQueryParameter) },
        { "ReverseProxy:Clusters:x", typeof(ClusterConfig) },
        { "ReverseProxy:Clusters:x:Destinations:y", typeof(DestinationConfig) },
        { "ReverseProxy:Clusters:x:SessionAffinity", typeof(SessionAffinityConfig) },
        { "ReverseProxy:Clusters:x:SessionAffinity:Cookie", typeof(SessionAffinityCookieConfig) },
        { "ReverseProxy:Clusters:x:HealthCheck", typeof(HealthCheckConfig) },
        { "ReverseProxy:Clusters:x:HealthCheck:Active", typeof(ActiveHealthCheckConfig) },
        { "ReverseProxy:Clusters:x:HealthCheck:Passive", typeof(PassiveHealthCheckConfig) },
        { "ReverseProxy:Clusters:x:HttpClient", typeof(HttpClientConfig) },
        { "ReverseProxy:Clusters:x:HttpClient:WebProxy", typeof(WebProxyConfig) },
        { "ReverseProxy:Clusters:x:HttpRequest", typeof(ForwarderRequestConfig) },
    };

    /// <summary>Keys without members of their own, with <c>*</c> for a name.</summary>
    public static TheoryData<string> Leaves => [.. LeavesOf(SettingsSchema.Root, "").Where(path => path != "$schema")];

    [Theory]
    [MemberData(nameof(Bound))]
    public void Ours_are_named_typed_and_preset_as_the_schema_says(string path, Type type)
    {
        var schema = SettingsSchema.Find(path).ShouldNotBeNull();
        var properties = Settable(type);

        schema.Properties.Keys.Order(StringComparer.Ordinal).ShouldBe(properties.Select(property => property.Name).Order(StringComparer.Ordinal));
        var preset = Activator.CreateInstance(type)!;
        foreach (var property in properties)
        {
            var (said, key) = (schema.Properties[property.Name], $"{path}:{property.Name}");
            said.Description.ShouldNotBeEmpty(key);
            said.Kinds.Where(kind => kind != "null").ShouldBe([KindOf(property.PropertyType)], key);
            said.IsSecret.ShouldBe(property.PropertyType == typeof(Secret), key);
            said.IsDuration.ShouldBe(Plain(property.PropertyType) == typeof(TimeSpan), key);
            var words = Plain(property.PropertyType) is { IsEnum: true } options ? Enum.GetNames(options) : [];
            said.Words.Order(StringComparer.Ordinal).ShouldBe(words.Order(StringComparer.Ordinal), key);
            if (property.GetValue(preset) is { } value && KindOf(property.PropertyType) != "object" && value is not System.Collections.ICollection { Count: 0 })
            {
                Text(said.Default.ShouldNotBeNull($"{key} is preset to {value}")).ShouldBe(Text(value), key);
            }
            else if (property.Name is not (nameof(ModelOptions.FallbackOn) or nameof(ModelOptions.NextOn)))
            {
                said.Default.ShouldBeOneOf([null, said.Default is { ValueKind: JsonValueKind.Array } empty && empty.GetArrayLength() == 0 ? said.Default : null], key);
            }
        }
    }

    [Fact]
    public void The_default_that_an_absent_FallbackOn_stands_for_is_the_schemas() =>
        Text(SettingsSchema.Find("Models:Catalog:x:FallbackOn")!.Default!.Value).ShouldBe(Text(ModelOptions.DefaultFallbackOn));

    [Fact]
    public void The_default_that_an_absent_NextOn_stands_for_is_the_schemas() =>
        Text(SettingsSchema.Find("Models:Catalog:x:NextOn")!.Default!.Value).ShouldBe(Text(ModelOptions.DefaultNextOn));

    [Theory]
    [MemberData(nameof(OfYarp))]
    public void Yarps_are_named_as_yarp_names_them(string path, Type type)
    {
        var properties = Settable(type).Select(property => property.Name).Except(["RouteId", type == typeof(ClusterConfig) ? "ClusterId" : "RouteId"]);

        SettingsSchema.Find(path).ShouldNotBeNull().Properties.Keys.Order(StringComparer.Ordinal).ShouldBe(properties.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Leaves))]
    public void Every_key_is_documented_with_its_range_and_default(string path)
    {
        var schema = SettingsSchema.Find(path).ShouldNotBeNull();
        if (path.StartsWith("ReverseProxy:", StringComparison.Ordinal) || path.StartsWith("Serilog:", StringComparison.Ordinal))
        {
            return; // Yarp's and Serilog's own documentation has them.
        }

        var row = Rows().Where(row => path == row.Path || path.StartsWith($"{row.Path}:", StringComparison.Ordinal)).MaxBy(row => row.Path.Length);
        row.Path.ShouldNotBeNull($"docs/configuration.md has no row for {path}");
        if (row.Path != path)
        {
            return; // A row for all of its members.
        }

        var culture = CultureInfo.InvariantCulture;
        if (schema.Minimum is { } least && schema.Maximum is { } most)
        {
            row.Range.ShouldBe(string.Create(culture, $"{least:#,0.##} to {most:#,0.##}"));
        }

        if (schema.Shortest is not null)
        {
            row.Range.ShouldContain(" to ");
            row.Range.Replace("`", "", StringComparison.Ordinal).Split(" to ").Select(span => TimeSpan.Parse(span, culture)).ShouldBe([schema.Shortest.Value, schema.Longest!.Value]);
        }

        if (schema.Default is { } preset)
        {
            row.Default.Replace("`", "", StringComparison.Ordinal).ShouldBe(Documented(preset));
        }
    }

    [Fact]
    public void Every_documented_key_is_a_setting()
    {
        foreach (var row in Rows())
        {
            SettingsSchema.Find(row.Path).ShouldNotBeNull($"docs/configuration.md documents {row.Path}");
        }
    }

    [Theory]
    [MemberData(nameof(Leaves))]
    public void Its_ends_are_within_a_range_and_what_is_beyond_them_is_not(string path)
    {
        var schema = SettingsSchema.Find(path).ShouldNotBeNull();
        var key = path.Replace("*", "0", StringComparison.Ordinal);
        if (schema is { Minimum: { } least, Maximum: { } most })
        {
            var step = schema.Kinds.Contains("integer") ? 1 : 0.001m;
            ShouldFit(key, [Number(least), Number(most)]);
            ShouldNotFit(key, [Number(least - step), Number(most + step), "1e1000", "NaN", "0x10", "", " "]);
        }

        if (schema is { Shortest: { } shortest, Longest: { } longest })
        {
            ShouldFit(key, [$"{shortest}", $"{longest}"]);
            ShouldNotFit(key, [$"{longest + TimeSpan.FromSeconds(1)}", shortest > TimeSpan.Zero ? $"{shortest - TimeSpan.FromMilliseconds(1)}" : "-00:00:01", "soon", "30", "1:30", ""]);
        }
    }

    [Fact]
    public void The_schema_is_a_json_schema_that_the_shipped_file_names()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "appsettings.schema.json")));
        schema.RootElement.GetProperty("$schema").GetString().ShouldBe("http://json-schema.org/draft-07/schema#");
        var shipped = new ConfigurationBuilder().AddJsonFile(Path.Combine(Repository.Root, "appsettings.json")).Build();

        shipped["$schema"].ShouldBe("./appsettings.schema.json");
        SettingsShape.Check(shipped, out _).ShouldBeEmpty();
    }

    private static void ShouldFit(string key, string[] values) => Array.ForEach(values, value => Mistakes(key, value).ShouldBeEmpty(value));

    private static void ShouldNotFit(string key, string[] values) =>
        Array.ForEach(values, value => Mistakes(key, value).ShouldHaveSingleItem(value).ShouldStartWith($"'{key}' "));

    private static IReadOnlyList<string> Mistakes(string key, string value) =>
        SettingsShape.Check(new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build(), out _);

    private static string Number(decimal number) => number.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<string> LeavesOf(SettingsSchema schema, string path) =>
        schema.Properties.Count > 0 ? schema.Properties.SelectMany(pair => LeavesOf(pair.Value, path.Length == 0 ? pair.Key : $"{path}:{pair.Key}"))
        : schema.Others is { } others ? LeavesOf(others, $"{path}:*")
        : schema.Items is { Properties.Count: > 0 } items ? LeavesOf(items, $"{path}:*")
        : [path];

    /// <summary>Rows of the tables in <c>docs/configuration.md</c> that are about settings; <c>…</c> stands for a model, and a key alone for one beside that before it.</summary>
    private static IEnumerable<(string Path, string Range, string Default)> Rows()
    {
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, "docs", "configuration.md")))
        {
            if (Row().Match(line) is not { Success: true } row)
            {
                continue;
            }

            var section = "";
            foreach (Match key in Key().Matches(row.Groups[1].Value))
            {
                var path = Placeholder().Replace(key.Groups[1].Value.Replace("…:", "Models:Catalog:{id}:", StringComparison.Ordinal), "*");
                path = path.Contains(':', StringComparison.Ordinal) || section.Length == 0 ? path : $"{section}:{path}";
                section = path.Contains(':', StringComparison.Ordinal) ? path[..path.LastIndexOf(':')] : "";
                if (SettingsSchema.Root.Member(path.Split(':')[0]) is not null || path.Contains(':', StringComparison.Ordinal))
                {
                    yield return (path, row.Groups[2].Value, row.Groups[3].Value);
                }
            }
        }
    }

    private static string Documented(JsonElement preset) => preset.ValueKind switch
    {
        JsonValueKind.Number => preset.GetDecimal().ToString("#,0.##", CultureInfo.InvariantCulture),
        JsonValueKind.Array when preset.GetArrayLength() == 0 => "none",
        JsonValueKind.String when preset.GetString() is "" => "empty",
        _ => Text(preset),
    };

    private static List<PropertyInfo> Settable(Type type) => [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite)];

    private static Type Plain(Type type) => Nullable.GetUnderlyingType(type) ?? type;

    private static string KindOf(Type type) => Plain(type) switch
    {
        var number when number == typeof(int) || number == typeof(long) => "integer",
        var number when number == typeof(double) || number == typeof(decimal) => "number",
        var flag when flag == typeof(bool) => "boolean",
        var text when text == typeof(string) || text == typeof(Secret) || text == typeof(TimeSpan) || text.IsEnum => "string",
        { IsGenericType: true } list when list.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) => "array",
        _ => "object",
    };

    private static string Text(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        TimeSpan span => span.ToString("c", CultureInfo.InvariantCulture) is var text && text.Contains('.', StringComparison.Ordinal) && span < TimeSpan.FromDays(1) ? text.TrimEnd('0') : text,
        JsonElement { ValueKind: JsonValueKind.Array } array => string.Join(", ", array.EnumerateArray()),
        JsonElement { ValueKind: JsonValueKind.String } text when TimeSpan.TryParse(text.GetString(), CultureInfo.InvariantCulture, out var span) && text.GetString()!.Contains(':', StringComparison.Ordinal) => Text(span),
        JsonElement { ValueKind: JsonValueKind.True } => "true",
        JsonElement { ValueKind: JsonValueKind.False } => "false",
        System.Collections.IEnumerable list and not string => string.Join(", ", list.Cast<object>()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => $"{value}",
    };

    [GeneratedRegex(@"^\| (`[^|]*?) \| ([^|]*?) \| ([^|]*?) \| .* \|$")]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Key();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Placeholder();
}
