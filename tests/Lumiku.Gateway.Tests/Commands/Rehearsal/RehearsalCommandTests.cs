using System.Text.Json;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Commands.Rehearsal;

/// <summary><c>check --against</c>, as an operator has it.</summary>
public sealed class RehearsalCommandTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("lumiku-rehearsal-");

    [Fact]
    public async Task A_table_says_what_would_have_been_and_what_is_assumed()
    {
        var (log, settings) = (await LogAsync(), await SettingsAsync("\"free\": { \"RequestsPerMinute\": 10, \"Burst\": 1, \"UnitsPerDay\": 1"));

        var lines = (await RunAsync(0, "check", settings, "--without-secrets", "--against", log)).Output;

        lines[0].ShouldStartWith($"{settings} is good: ");
        lines[1].ShouldBe($"Replayed 4 requests of {log} from 2026-11-22T12:00:00Z to 2026-11-22T13:00:01Z; passed over: 2 without a tier, a model or a time, 1 broken.");
        lines[3].ShouldBe("TIER   MODEL                                            REQUESTS  UNITS  SUBSTITUTIONS  REFUSALS");
        lines[4].ShouldBe("free   stabilityai/stable-diffusion-3-medium-diffusers         3  3 → 1              0  quota-exceeded 0 → 1, rate-limited 0 → 1");
        lines[5].ShouldBe("total                                                          4  4 → 2              0  quota-exceeded 0 → 1, rate-limited 0 → 1");
        lines[6].ShouldBe("1 row without a difference is not shown (--all).");
        lines[^1].ShouldStartWith("Assumed: ");
        (await RunAsync(0, "check", settings, "--without-secrets", "--against", log, "--all")).Output
            .ShouldContain("pro    stabilityai/stable-diffusion-3-medium-diffusers         1      1              0  -");
    }

    [Fact]
    public async Task Machines_get_every_row()
    {
        var (log, settings) = (await LogAsync(), await SettingsAsync("\"free\": { \"UnitsPerDay\": 1"));

        var report = JsonElement.Parse((await RunAsync(0, "check", settings, "--without-secrets", "--against", log, "--json")).Output.Single());

        report.EnumerateObject().Select(member => member.Name).ShouldBe(["file", "ok", "mistakes", "warnings", "rehearsal"]);
        var rehearsal = report.GetProperty("rehearsal");
        rehearsal.GetProperty("rows").GetArrayLength().ShouldBe(2);
        rehearsal.GetProperty("broken").GetInt32().ShouldBe(1);
        rehearsal.GetProperty("total").GetProperty("then").GetRawText().ShouldBe("""{"refusals":{},"substitutions":0,"units":4}""");
        rehearsal.GetProperty("total").GetProperty("now").GetRawText().ShouldBe("""{"refusals":{"quota-exceeded":2},"substitutions":0,"units":2}""");
    }

    [Fact]
    public async Task A_log_that_cannot_be_read_is_no_and_wrong_settings_are_told_as_ever()
    {
        var (log, settings) = (await LogAsync(), await SettingsAsync("\"free\": { \"UnitsPerDay\": 1"));
        var nowhere = Path.Combine(_directory.FullName, "nowhere.log");

        (await RunAsync(1, "check", settings, "--without-secrets", "--against", nowhere)).Output.Single().ShouldStartWith($"The request log '{nowhere}' cannot be read: ");
        (await RunAsync(1, "check", settings, "--without-secrets", "--against", _directory.FullName)).Output.Single().ShouldContain("cannot be read: ");
        await File.WriteAllTextAsync(settings, """{ "DefaultTier": "gold" }""", TestContext.Current.CancellationToken);
        var told = JsonElement.Parse((await RunAsync(1, "check", settings, "--without-secrets", "--against", log, "--json")).Output.Single());

        told.GetProperty("mistakes").GetArrayLength().ShouldBeGreaterThan(0);
        told.GetProperty("rehearsal").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task Half_an_option_is_misuse()
    {
        (await RunAsync(2, "check", "--against", "")).Errors.ShouldContain("The log's name is empty.");
        (await RunAsync(2, "check", "--against")).Errors.ShouldContain("--against");
        (await RunAsync(2, "check", "--all")).Errors.ShouldContain("give --against");
    }

    public void Dispose() => _directory.Delete(recursive: true);

    /// <summary>Three images for anna, one for a user of <c>pro</c>, a stranger's request, half a line, and one whose time has another name.</summary>
    private async Task<string> LogAsync()
    {
        var path = Path.Combine(_directory.FullName, "gateway.log");
        await File.WriteAllLinesAsync(path,
        [
            Line("12:00:01", "free"), Line("12:00:02", "free"), Line("12:30:00", "pro"), Line("13:00:01", "free"),
            """{"@t":"2026-11-22T12:40:00Z","Outcome":"unauthenticated","Method":"POST","Path":"/models/a/b"}""", Line("13:00:02", "free")[..80],
            Line("13:00:03", "free").Replace("\"@t\"", "\"time\"", StringComparison.Ordinal),
        ]);
        return path;

        static string Line(string at, string tier) =>
            $$"""{"@t":"2026-11-22T{{at}}.0000000Z","Method":"POST","Path":"/models/{{TestGateway.Sd3}}","Status":200,"Outcome":"ok","ElapsedMs":1000,"Caller":"backend","User":"{{(tier == "free" ? "a" : "b")}}","Tier":"{{tier}}","TierFrom":"request","ServedModel":"{{TestGateway.Sd3}}","Cache":"MISS","Units":1,"UnitsWanted":1,"UnitsToday":0,"UnitsThisMonth":0}""";
    }

    /// <param name="free">How the tier <c>free</c> begins; with no other limits.</param>
    private async Task<string> SettingsAsync(string free)
    {
        var path = Path.Combine(_directory.FullName, "settings.json");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(TestGateway.UnlimitedSettings)).Replace("\"free\": {", free, StringComparison.Ordinal));
        return path;
    }

    private static async Task<(string Errors, IReadOnlyList<string> Output)> RunAsync(int exitCode, params string[] arguments)
    {
        await using var command = GatewayProcess.Start(arguments, []);
        (await command.ExitCodeAsync()).ShouldBe(exitCode, $"{command.Errors}\n{string.Join('\n', command.Output)}");
        command.Errors.ShouldNotContain("   at ");
        return (command.Errors, [.. command.Output]);
    }
}
