using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Commands;

/// <summary><c>keys create</c> makes a key that the gateway knows by the setting it prints.</summary>
public class KeysTests
{
    [Fact]
    public async Task A_gateway_with_the_printed_variable_serves_whoever_has_the_printed_key()
    {
        var (_, output) = await RunAsync(0, "keys", "create", "studio-2", "--json");
        var created = JsonElement.Parse(output);
        created.EnumerateObject().Select(member => member.Name).ShouldBe(["caller", "key", "keySha256", "variable"]);
        var variable = created.GetProperty("variable").GetString()!.Split('=', 2);
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { [variable[0]] = variable[1], ["GATEWAY_API_KEY"] = "" });

        (await AskAsync(gateway, created.GetProperty("key").GetString()!)).ShouldBe(HttpStatusCode.OK);

        (await AskAsync(gateway, created.GetProperty("keySha256").GetString()!)).ShouldBe(HttpStatusCode.Unauthorized);
        await Eventually.BeAsync(() => gateway.Lines().Any(line => line.TryGetProperty("Caller", out var caller) && caller.GetString() == "studio-2"), "the log names the caller");
    }

    [Fact]
    public async Task Each_key_is_random_and_printed_with_its_hash_as_a_line_for_the_settings()
    {
        var (_, first) = await RunAsync(0, "keys", "create", "studio");
        var (_, second) = await RunAsync(0, "keys", "create", "studio");

        var key = KeyIn(first);
        key.ShouldMatch("^lmk_[A-Za-z0-9_-]{43}$"); // 32 bytes.
        KeyIn(second).ShouldNotBe(key);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        var line = first.Split('\n').Single(line => line.TrimStart().StartsWith("\"Callers\"", StringComparison.Ordinal));
        JsonElement.Parse($"{{{line}}}").GetProperty("Callers").GetProperty("studio").GetProperty("KeySha256").GetString().ShouldBe(hash);
        first.ShouldContain($"\n  Callers__studio__KeySha256={hash}\n");

        static string KeyIn(string output) => output.Split('\n').Select(line => line.Trim()).Single(line => line.StartsWith("lmk_", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("a:b")]
    [InlineData("a__b")]
    [InlineData("_a")]
    [InlineData("käufer")]
    [InlineData("a\nb")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task A_name_that_could_be_no_settings_key_variable_or_log_field_is_refused(string name)
    {
        var (errors, output) = await RunAsync(2, "keys", "create", name);

        errors.ShouldContain("A caller's name is letters, digits, and single '-' or '_' between them");
        output.ShouldNotContain("lmk_");
    }

    [Theory]
    [InlineData("keys")]
    [InlineData("keys", "create")]
    [InlineData("keys", "make", "studio")]
    public async Task A_command_without_what_it_needs_is_misuse(params string[] arguments) => await RunAsync(2, arguments);

    private static async Task<(string Errors, string Output)> RunAsync(int exitCode, params string[] arguments)
    {
        await using var command = GatewayProcess.Start(arguments, []);
        (await command.ExitCodeAsync()).ShouldBe(exitCode, command.Errors);
        command.Errors.ShouldNotContain("   at ");
        return (command.Errors, string.Join('\n', command.Output));
    }

    private static async Task<HttpStatusCode> AskAsync(GatewayProcess gateway, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(FlightBench.Body) };
        request.Headers.Add("Authorization", $"Bearer {key}");
        using var answer = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
