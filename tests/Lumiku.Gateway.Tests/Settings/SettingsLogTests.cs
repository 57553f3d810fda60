using System.Text.Json;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Settings;

/// <summary>What changed, what was refused and what counts for nothing is told key by key; each request's line says by which settings it was served.</summary>
public sealed class SettingsLogTests : IAsyncLifetime
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    private readonly EditedSettings _settings = new();

    private HuggingFaceSimulator _huggingFace = null!;
    private GatewayProcess _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _settings.Edit("\"DefaultTier\":", "\"Callers\": { \"studio\": { \"Key\": \"studio-key-0123456789abcdef\", \"Tier\": \"pro\" } }, \"DefaultTier\":");
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await GatewayProcess.ServeAsync(
            _huggingFace.Address,
            new() { ["GATEWAY_SETTINGS"] = _settings.Path, ["OPERATOR_KEY"] = OperatorKey, ["Generation__AbandonedPerUser"] = "5" });
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
        _settings.Dispose();
    }

    [Fact]
    public async Task What_changed_is_told_key_by_key_and_requests_say_by_which_settings_they_were_served()
    {
        await AskAsync();
        _settings.Edit("\"FailureMemory\": \"00:00:02\"", "\"FailureMemory\": \"00:00:03\"");
        _settings.Edit("\"Unlisted\": \"Allow\"", "\"Unlisted\": \"Deny\"");

        await ShouldSayAsync("Settings 2: Generation:FailureMemory 00:00:02 → 00:00:03");
        await ShouldSayAsync("Settings 2: Models:Unlisted Allow → Deny");
        await ShouldSayAsync($"Applied the settings file {_settings.Path} as settings 2: 2 changed");
        await AskAsync();

        await Eventually.BeAsync(() => Requests().Count == 2, "both requests are logged");
        Requests().Select(line => line.GetProperty("Settings").GetInt32()).ShouldBe([1, 2]);
        (await MetricAsync("lumiku_settings_number")).ShouldBe("2");
        (await MetricAsync("lumiku_settings_refused")).ShouldBe("0");
    }

    [Fact]
    public async Task A_secret_in_the_file_is_warned_of_and_shown_as_a_fingerprint()
    {
        await ShouldSayAsync("Callers:studio:Key is a secret and lies in the settings file, which more people read than should: put it into the variable Callers__studio__Key, or its KeySha256 into the file");

        _settings.Edit("studio-key-0123456789abcdef", "studio-key-another-one-012345");

        await Eventually.BeAsync(() => Sentences().Any(line => line.StartsWith("Settings 2: Callers:studio:Key #", StringComparison.Ordinal)), "the change is told");
        Sentences().Single(line => line.StartsWith("Settings 2: Callers:studio:Key #", StringComparison.Ordinal)).ShouldMatch("Callers:studio:Key #[0-9a-f]{8} → #[0-9a-f]{8}$");
        string.Join('\n', _gateway.Output).ShouldNotContain("studio-key");
    }

    [Fact]
    public async Task A_header_that_a_transform_sets_is_shown_as_a_fingerprint()
    {
        _settings.Edit("{ \"ImageAccept\": \"image/png\" }", "{ \"ImageAccept\": \"image/png\" }, { \"RequestHeader\": \"X-Api-Key\", \"Set\": \"key-of-another-service\" }");

        await Eventually.BeAsync(() => Sentences().Any(line => line.Contains(":Set nothing → #", StringComparison.Ordinal)), "the change is told");
        string.Join('\n', _gateway.Output).ShouldNotContain("key-of-another-service");
    }

    [Fact]
    public async Task Another_password_of_redis_is_told_to_count_at_the_next_start()
    {
        _settings.Edit("\"ImagesUpTo\":", "\"Images\": \"redis://:first@127.0.0.1:1\", \"ImagesUpTo\":");
        const string AtRestart = "What changed in Redis or Shutdown counts when the gateway is started again";
        await ShouldSayAsync(AtRestart);

        _settings.Edit("redis://:first@", "redis://:second@");

        await Eventually.BeAsync(() => Sentences().Count(line => line == AtRestart) == 2, "that it counts at the next start is told again");
    }

    [Fact]
    public async Task A_change_that_a_variable_wins_over_is_told_to_count_for_nothing()
    {
        _settings.Edit("\"AbandonedPerUser\": 8", "\"AbandonedPerUser\": 9");

        await ShouldSayAsync("Settings 2: Generation:AbandonedPerUser was changed in the file to 9, and that counts for nothing: a variable or the command line says 5");
        await ShouldSayAsync($"Applied the settings file {_settings.Path} as settings 2: nothing that counts has changed");
    }

    [Fact]
    public async Task A_refusal_is_told_once_in_log_health_and_metric_and_so_is_its_end()
    {
        var good = await File.ReadAllTextAsync(_settings.Path, TestContext.Current.CancellationToken);
        _settings.Edit("\"Entitlements\": [ \"PRO\" ]", "\"Entitlments\": [ \"PRO\" ]");

        const string Mistake = "'Tiers:pro:Entitlments' is not a setting; did you mean 'Entitlements'?";
        await ShouldSayAsync($"Refused the settings file, settings 1 stay: {Mistake}");
        (await _gateway.Client.GetStringAsync("/health/ready", TestContext.Current.CancellationToken)).ShouldContain("degraded");
        JsonElement.Parse(await _gateway.Client.GetStringAsync("/health/ready", TestContext.Current.CancellationToken)).GetProperty("reasons").EnumerateArray().Select(reason => reason.GetString()).ShouldContain(Mistake);
        (await MetricAsync("lumiku_settings_refused")).ShouldBe("1");
        (await MetricAsync("lumiku_settings_refusals_total")).ShouldBe("1");

        await File.WriteAllTextAsync(_settings.Path, good, TestContext.Current.CancellationToken);

        await ShouldSayAsync("The settings file is as it was, settings 1 are in force and nothing is refused any more");
        Sentences().Count(line => line.EndsWith(Mistake, StringComparison.Ordinal)).ShouldBe(1);
        await Task.Delay(TimeSpan.FromMilliseconds(350), TimeProvider.System, TestContext.Current.CancellationToken);
        (await MetricAsync("lumiku_settings_refused")).ShouldBe("0");
    }

    private async Task AskAsync() => (await _gateway.AskAsync(FlightBench.Body)).ShouldBeNull();

    private List<JsonElement> Requests() => [.. _gateway.Lines().Where(line => line.TryGetProperty("RequestedModel", out _))];

    private IEnumerable<string> Sentences() => _gateway.Lines().Select(line => line.GetProperty("@m").GetString()!);

    private Task ShouldSayAsync(string sentence) => Eventually.BeAsync(() => Sentences().Contains(sentence), $"the log says: {sentence}; it says: {string.Join('\n', Sentences())}");

    private async Task<string> MetricAsync(string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("Authorization", $"Bearer {OperatorKey}");
        var text = await (await _gateway.Client.SendAsync(request, TestContext.Current.CancellationToken)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return text.Split('\n').Single(line => line.StartsWith($"{name}{{", StringComparison.Ordinal) || line.StartsWith($"{name} ", StringComparison.Ordinal)).Split(' ')[^1];
    }
}
