using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using Lumiku.Gateway.Commands;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Commands;

/// <summary><c>check</c> says of a settings file what a start would.</summary>
public sealed class CheckTests : IDisposable
{
    private static readonly Dictionary<string, string> Secrets = new() { ["HUGGINGFACE_API_KEY"] = TestGateway.UpstreamToken, ["GATEWAY_API_KEY"] = TestGateway.BackendKey };

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lumiku-check-");

    /// <summary>What stops a start, from the start's own tests, and more.</summary>
    public static TheoryData<string[]> WrongSettings
    {
        get
        {
            var tested = typeof(StartTests).GetMethod(nameof(StartTests.A_wrong_setting_is_refused_with_its_key))!.GetCustomAttributes<InlineDataAttribute>()
                .Select(row => row.Data.OfType<string>().Take(2).Where(setting => setting.Length > 0).ToArray());
            return new(
            [
                .. tested,
                ["PORT=0", "DefaultTier=gold"],
                ["urls=banana"],
                ["urls=http://127.0.0.1:70000"],
                ["Serilog:Using:0=No.Such.Assembly"],
                ["Serilog:MinimumLevel:Override:Yarp=Loud", "REDIS_URL=http://localhost"],
                ["OPERATOR_KEY=two words"],
            ]);
        }
    }

    [Theory]
    [MemberData(nameof(WrongSettings))]
    public async Task What_stops_a_start_is_told_by_the_check_in_the_same_words(string[] settings)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(huggingFace, settings));

        var check = await SettingsCheck.RunAsync(TestGateway.Arguments(huggingFace.Address, settings), withoutSecrets: false);

        check.Report.Ok.ShouldBeFalse();
        refusal.Mistakes.Select(OneLine.Of).ShouldBeSubsetOf(check.Report.Mistakes);
    }

    [Theory]
    [InlineData("{ \"Tiers\": ")]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{ "Modles": { "Unlisted": "Deny" } }""")]
    public async Task A_file_that_is_no_settings_is_told_as_by_a_start(string content)
    {
        var path = await WriteAsync(content);
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        var refusal = await Should.ThrowAsync<SettingsException>(() => TestGateway.StartAsync(huggingFace, $"GATEWAY_SETTINGS={path}"));

        var (errors, output) = await RunAsync(1, Secrets, "check", path);

        output.ShouldBe(OneLine.Of(refusal.Message));
        errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Good_settings_are_told_in_one_line_and_nothing_is_opened_or_connected_to()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var (errors, output) = await RunAsync(0, new(Secrets) { ["PORT"] = $"{port}", ["REDIS_URL"] = $"redis://127.0.0.1:{port}" }, "check");

        output.ShouldBe($"{Shipped} is good: 6 routes, 8 models, 6 tiers, 1 caller.");
        errors.ShouldBeEmpty();
        taken.Pending().ShouldBeFalse();
    }

    [Fact]
    public async Task Every_mistake_is_a_line_with_its_key()
    {
        var path = await WriteAsync("""{ "DefaultTier": "gold", "Limits": { "FailedLoginsPerMinute": 0 }, "ReverseProxy": { "Routes": { "models": { "Match": { "Path": "/models/{**model}" } } } } }""");

        var (_, output) = await RunAsync(1, new(Secrets) { ["PORT"] = "http" }, "check", path);

        var lines = output.Split('\n');
        lines.ShouldContain(line => line.StartsWith("'DefaultTier' is 'gold'", StringComparison.Ordinal));
        lines.ShouldContain(line => line.StartsWith("'Limits:FailedLoginsPerMinute'", StringComparison.Ordinal));
        lines.ShouldContain(line => line.StartsWith("'ReverseProxy:Routes:models:ClusterId'", StringComparison.Ordinal));
        lines.ShouldContain("'PORT' is 'http'; it must be a number from 1 to 65535.");
        lines.ShouldAllBe(line => line.StartsWith('\''));
    }

    [Fact]
    public async Task Machines_get_the_file_whether_it_is_good_and_the_mistakes()
    {
        var path = await WriteAsync("""{ "DefaultTier": "gold" }""");

        var bad = JsonElement.Parse((await RunAsync(1, Secrets, "check", path, "--json")).Output);
        var good = JsonElement.Parse((await RunAsync(0, Secrets, "check", "--json")).Output);

        bad.EnumerateObject().Select(member => member.Name).ShouldBe(["file", "ok", "mistakes", "warnings"]);
        (bad.GetProperty("file").GetString(), bad.GetProperty("ok").GetBoolean()).ShouldBe((path, false));
        bad.GetProperty("mistakes").EnumerateArray().Select(mistake => mistake.GetString()).ShouldContain(mistake => mistake!.StartsWith("'DefaultTier' is 'gold'", StringComparison.Ordinal));
        good.GetRawText().ShouldBe($$"""{"file":"{{Shipped}}","ok":true,"mistakes":[],"warnings":[]}""");
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_a_mistake_and_no_name_is_misuse()
    {
        var path = Path.Combine(_directory.FullName, "nowhere.json");

        (await RunAsync(1, Secrets, "check", path)).Output.ShouldStartWith($"The settings file '{path}' cannot be read: ");
        (await RunAsync(1, Secrets, "check", _directory.FullName)).Output.ShouldStartWith($"The settings file '{_directory.FullName}' cannot be read: ");
        (await RunAsync(2, Secrets, "check", "")).Errors.ShouldContain("The file's name is empty.");
    }

    [Fact]
    public async Task Without_the_secrets_that_are_missing_the_file_alone_is_judged()
    {
        (await RunAsync(1, [], "check")).Output.ShouldContain("HUGGINGFACE_API_KEY");

        var (errors, output) = await RunAsync(0, [], "check", "--without-secrets");

        output.ShouldBe($"{Shipped} is good: 6 routes, 8 models, 6 tiers, 1 caller.");
        errors.ShouldBe("Placeholders stand in for Credentials:huggingface, Callers:backend:Key.");
        (await RunAsync(0, Secrets, "check", "--without-secrets")).Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Placeholders_stand_in_for_what_the_file_names_and_hide_no_mistake_of_its_own()
    {
        var path = await WriteAsync("""
            {
              "Callers": { "studio": { "ActsForUsers": true }, "press": {}, "known": { "KeySha256": "0000000000000000000000000000000000000000000000000000000000000000" } },
              "Tiers": { "free": {} },
              "ReverseProxy": {
                "Routes": { "models": { "ClusterId": "c", "Match": { "Path": "/models/{**model}" }, "Transforms": [ { "UpstreamCredential": "huggingface" } ] } },
                "Clusters": { "c": { "HttpRequest": { "ActivityTimeout": "00:05:00" }, "Destinations": { "a": { "Address": "https://example.org/", "Metadata": { "Credential": "second" } } } } }
              }
            }
            """);
        (await RunAsync(0, [], "check", path, "--without-secrets")).Errors
            .ShouldBe("Placeholders stand in for Credentials:huggingface, Credentials:second, Callers:press:Key, Callers:studio:Key.");

        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path))
            .Replace("\"second\"", "\"hf_AToken\"", StringComparison.Ordinal).Replace("\"press\": {}", "\"press\": \"a-key\"", StringComparison.Ordinal));
        var lines = (await RunAsync(1, [], "check", path, "--without-secrets")).Output.Split('\n');

        lines.ShouldContain(line => line.Contains("The credential (too long for a name), which the destination 'a' names", StringComparison.Ordinal));
        lines.ShouldContain(line => line.StartsWith("'Callers:press' must be an object, and is a single value.", StringComparison.Ordinal));
        lines.ShouldNotContain(line => line.Contains("hf_AToken", StringComparison.Ordinal) || line.Contains("a-key", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_secret_in_the_file_is_warned_of_and_not_shown()
    {
        var path = Path.Combine(_directory.FullName, "with-a-secret.json");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(Shipped)).Replace("\"DefaultTier\":", "\"Callers\": { \"studio\": { \"Key\": \"studio-key-0123456789abcdef\" } }, \"DefaultTier\":", StringComparison.Ordinal));

        var told = await RunAsync(0, [], "check", path, "--without-secrets");
        told.Errors.ShouldContain("'Callers:studio:Key' is a secret and lies in the settings file: put it into a variable.");
        (told.Output + told.Errors).ShouldNotContain("studio-key");
        JsonElement.Parse((await RunAsync(0, [], "check", path, "--without-secrets", "--json")).Output).GetProperty("warnings").GetArrayLength().ShouldBe(1);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static string Shipped => Path.Combine(AppContext.BaseDirectory, "appsettings.json");

    private async Task<string> WriteAsync(string content)
    {
        var path = Path.Combine(_directory.FullName, "settings.json");
        await File.WriteAllTextAsync(path, content);
        return path;
    }

    private static async Task<(string Errors, string Output)> RunAsync(int exitCode, Dictionary<string, string> environment, params string[] arguments)
    {
        await using var command = GatewayProcess.Start(arguments, environment);
        (await command.ExitCodeAsync()).ShouldBe(exitCode, $"{command.Errors}\n{string.Join('\n', command.Output)}");
        command.Errors.ShouldNotContain("   at ");
        return (command.Errors, string.Join('\n', command.Output));
    }
}
