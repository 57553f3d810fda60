using System.Text.Json;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Deploy;

/// <summary>The compose files keep the rules that a deployment relies on.</summary>
public sealed partial class ComposeTests
{
    private static readonly ComposeFile.Service Gateway = ComposeFile.Main.Services["gateway"];
    private static readonly ComposeFile.Service State = ComposeFile.Main.Services["redis-state"];
    private static readonly ComposeFile.Service Images = ComposeFile.Main.Services["redis-images"];
    private static readonly ComposeFile.Service Balancer = ComposeFile.Replicas.Services["balancer"];

    public static TheoryData<string> Names => ["gateway", "redis-state", "redis-images", "balancer"];

    /// <summary>What is a secret wherever it stands.</summary>
    private static readonly string[] Secrets = ["HUGGINGFACE_API_KEY", "GATEWAY_API_KEY", "OPERATOR_KEY", "JWT_SECRET", "REDISCLI_AUTH"];

    private static readonly Dictionary<string, string> ByHand = new()
    {
        ["HUGGINGFACE_API_KEY"] = "hf_byHand",
        ["GATEWAY_API_KEY"] = "0123456789abcdef0123456789abcdef",
    };

    private static readonly Dictionary<string, string> ByCoolify = new()
    {
        ["HUGGINGFACE_API_KEY"] = "hf_filledIn",
        ["SERVICE_PASSWORD_64_GATEWAY"] = new string('g', 64),
        ["SERVICE_PASSWORD_64_OPERATOR"] = new string('o', 64),
        ["SERVICE_PASSWORD_64_REDIS"] = new string('r', 64),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_service_is_checked_bounded_locked_down_and_comes_back(string name)
    {
        var service = Service(name);

        service.HealthCheck["test"].ShouldBeOfType<List<object>>().Count.ShouldBeGreaterThan(1);
        service.HealthCheck.Keys.ShouldBeSubsetOf(["test", "interval", "timeout", "retries", "start_period", "start_interval"]);
        service.Text("restart").ShouldBe("unless-stopped");
        service.Text("read_only").ShouldBe("true");
        service.List("cap_drop").ShouldBe(["ALL"]);
        service.List("security_opt").ShouldBe(["no-new-privileges:true"]);
        service.MemoryLimit.ShouldBeGreaterThan(0);
        service.Map("logging")["options"].ShouldBeOfType<Dictionary<object, object>>().Keys.ShouldBe(["max-size", "max-file"]);
        service.Has("stop_grace_period").ShouldBeTrue();
        service.Has("privileged").ShouldBeFalse();

        // Coolify gives names by itself, and none can be given to replicas.
        service.Has("container_name").ShouldBeFalse();
    }

    [Fact]
    public void No_port_is_published_but_to_this_machine_and_none_where_Coolify_reads()
    {
        ComposeFile.Main.Services.Values.Where(service => service.Has("ports")).ShouldBeEmpty();
        ComposeFile.Override.Services.Keys.ShouldBe(["gateway"]);
        foreach (var service in new[] { ComposeFile.Override.Services["gateway"], Balancer })
        {
            service.List("ports").ShouldBe(["127.0.0.1:8080:8080"]);
        }
    }

    [Fact]
    public void A_stop_waits_longer_than_running_generations_may_take()
    {
        Gateway.StopGrace.ShouldBeGreaterThanOrEqualTo((new ShutdownOptions().DrainLimit + ShutdownOptions.LastAnswers) + TimeSpan.FromSeconds(5));
        Balancer.StopGrace.ShouldBeGreaterThanOrEqualTo(Gateway.StopGrace);
    }

    [Fact]
    public void The_container_asks_itself_as_the_image_does()
    {
        var image = HealthCheck().Match(File.ReadAllText(Path.Combine(Repository.Root, "Dockerfile"))).Groups[1].Value;

        ((List<object>)Gateway.HealthCheck["test"]).ShouldBe(["CMD", .. JsonSerializer.Deserialize<string[]>(image)!]);
    }

    [Fact]
    public void The_gateway_does_not_wait_for_Redis_to_be_well()
    {
        Gateway.Map("depends_on").Keys.ShouldBe(["redis-state", "redis-images"]);
        Gateway.Map("depends_on").Values.ShouldAllBe(condition => (string)((Dictionary<object, object>)condition)["condition"] == "service_started");
    }

    [Fact]
    public void What_users_have_spent_is_kept_and_images_make_room()
    {
        State.Redis("maxmemory-policy").ShouldBe("noeviction");
        State.Redis("appendonly").ShouldBe("yes");
        State.List("volumes").ShouldBe([$"{ComposeFile.Main.Volumes.ShouldHaveSingleItem()}:/data"]);

        Images.Redis("maxmemory-policy").ShouldBe("allkeys-lru");
        Images.Redis("appendonly").ShouldBe("no");
        Images.Redis("save").ShouldBeEmpty();
        Images.Has("volumes").ShouldBeFalse();
        Images.List("tmpfs").ShouldBe(["/data"]);
    }

    /// <summary>While it rewrites its file, Redis may need its data twice; without a file, fragments and buffers remain.</summary>
    [Fact]
    public void The_memory_of_Redis_fits_its_container()
    {
        (State.MemoryLimit - (64L << 20)).ShouldBeGreaterThanOrEqualTo(2 * ComposeFile.Service.Bytes(State.Redis("maxmemory")));
        (Images.MemoryLimit - (64L << 20)).ShouldBeGreaterThanOrEqualTo(ComposeFile.Service.Bytes(Images.Redis("maxmemory")) * 5 / 4);
    }

    [Fact]
    public void Limits_go_to_the_one_that_keeps_and_images_to_the_one_that_makes_room()
    {
        Gateway.Environment["REDIS_URL"].ShouldEndWith("@redis-state:6379");
        Gateway.Environment["Redis__Images"].ShouldEndWith("@redis-images:6379");
    }

    [Fact]
    public void Every_variable_is_documented()
    {
        var settings = Document("configuration.md");
        var guide = Document("coolify.md");
        foreach (var name in ComposeFile.Main.Variables.Concat(Gateway.Environment.Keys).Distinct())
        {
            var (document, text) = name.StartsWith("SERVICE_", StringComparison.Ordinal) ? (guide, $"`{name}`") : (settings, $"`{name.Replace("__", ":", StringComparison.Ordinal)}`");
            document.ShouldContain(text);
        }
    }

    [Fact]
    public void No_secret_is_written_down_and_none_has_a_default()
    {
        foreach (var service in ComposeFile.Main.Services.Values)
        {
            foreach (var (name, value) in service.Environment.Where(pair => Secrets.Contains(pair.Key)))
            {
                ComposeFile.Interpolate(value.Replace(":?", ":-", StringComparison.Ordinal), new Dictionary<string, string>()).ShouldBeEmpty(name);
                ComposeFile.Interpolate(value.Replace(":?", ":-", StringComparison.Ordinal), new SameForAll()).ShouldBe("given", name);
            }
        }

        ComposeFile.Interpolate(State.Redis("requirepass"), new SameForAll()).ShouldBe("given");
        ComposeFile.Interpolate(Images.Redis("requirepass"), new SameForAll()).ShouldBe("given");
    }

    /// <summary>Coolify takes what stands behind <c>:?</c> for the value, and would start with it.</summary>
    [Fact]
    public void Nothing_stands_behind_required() =>
        File.ReadAllText(Path.Combine(Repository.Root, "docker-compose.yml")).Split('\n').Where(line => !line.TrimStart().StartsWith('#')).ShouldNotContain(line => Regex.IsMatch(line, @":\?[^}]"));

    [Fact]
    public void Without_the_token_compose_refuses_and_says_its_name() =>
        Should.Throw<InvalidOperationException>(() => Rendered([])).Message.ShouldContain("HUGGINGFACE_API_KEY");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_left_out_is_as_good_as_not_there(bool isCoolify)
    {
        await using var check = GatewayProcess.Start(["check"], Rendered(isCoolify ? ByCoolify : ByHand));

        (await check.ExitCodeAsync()).ShouldBe(0, check.Errors + string.Join('\n', check.Output));
    }

    [Fact]
    public async Task Without_a_key_of_the_backend_the_gateway_says_which_to_give()
    {
        await using var check = GatewayProcess.Start(["check"], Rendered(new() { ["HUGGINGFACE_API_KEY"] = "hf_alone" }));

        (await check.ExitCodeAsync()).ShouldBe(1);
        string.Join('\n', check.Output).ShouldContain("GATEWAY_API_KEY");
    }

    [Fact]
    public void A_key_of_ones_own_wins_over_the_generated_one() =>
        Rendered(ByCoolify.Concat(ByHand.Where(pair => pair.Key == "GATEWAY_API_KEY")).ToDictionary())["GATEWAY_API_KEY"].ShouldBe(ByHand["GATEWAY_API_KEY"]);

    [Fact]
    public void Replicas_know_how_many_they_are()
    {
        var replicas = ComposeFile.Replicas.Services["gateway"];

        replicas.Environment["Redis__ExpectedReplicas"].ShouldBe((string)replicas.Map("deploy")["replicas"]);
    }

    private static Dictionary<string, string> Rendered(Dictionary<string, string> variables) =>
        Gateway.Environment.ToDictionary(pair => pair.Key, pair => ComposeFile.Interpolate(pair.Value, variables));

    private static ComposeFile.Service Service(string name) => ComposeFile.Main.Services.GetValueOrDefault(name) ?? ComposeFile.Replicas.Services[name];

    private static string Document(string name) => File.ReadAllText(Path.Combine(Repository.Root, "docs", name));

    [GeneratedRegex(@"^HEALTHCHECK .*CMD (\[.*\])$", RegexOptions.Multiline)]
    private static partial Regex HealthCheck();

    private sealed class SameForAll : System.Collections.ObjectModel.ReadOnlyDictionary<string, string>
    {
        public SameForAll()
            : base(ComposeFile.Main.Variables.Distinct().ToDictionary(name => name, _ => "given"))
        {
        }
    }
}
