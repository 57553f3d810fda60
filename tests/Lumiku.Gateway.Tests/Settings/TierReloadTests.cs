using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Settings;

/// <summary>Tiers are changed while users are at them.</summary>
public sealed class TierReloadTests : IAsyncLifetime
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("lumiku-tiers-").FullName, "appsettings.json");
    private readonly ManualTime _time = new();

    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        File.Copy("appsettings.json", _path);
        Write("\"gold\": { \"RequestsPerMinute\": 60, \"UnitsPerDay\": 2 }");
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await TestGateway.StartAsync(_huggingFace, _time, $"GATEWAY_SETTINGS={_path}");
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);
    }

    [Fact]
    public async Task A_changed_limit_counts_for_the_next_request_with_what_was_used_before()
    {
        await MakeAsync();
        await MakeAsync();
        (await AskAsync()).ShouldBe(429, "quota-exceeded");

        await ApplyAsync("\"gold\": { \"RequestsPerMinute\": 60, \"UnitsPerDay\": 3 }");
        (await MakeAsync()).Header("RateLimit").ShouldEndWith("\"day\";r=0;t=43198");
        (await AskAsync()).ShouldBe(429, "quota-exceeded");

        await ApplyAsync("\"gold\": { \"RequestsPerMinute\": 60, \"UnitsPerDay\": 1 }");
        var refused = await AskAsync();
        refused.ShouldBe(429, "quota-exceeded");
        refused.Header("RateLimit").ShouldEndWith("\"day\";r=0;t=43196");

        await ApplyAsync("\"gold\": { \"RequestsPerMinute\": 1 }");
        LimitBench.ShouldSay(await MakeAsync(), "\"requests\";q=1;w=60", "\"requests\";r=0;t=60");
        (await AskAsync()).ShouldBe(429, "rate-limited");
    }

    [Fact]
    public async Task A_tier_that_users_are_at_cannot_be_removed_and_the_refusal_says_so()
    {
        await MakeAsync();
        await PassAsync(TimeSpan.FromMinutes(3));

        await ApplyAsync("\"glod\": { \"RequestsPerMinute\": 60 }");

        var settings = _gateway.Services.GetRequiredService<CurrentSettings>();
        settings.Refused.ShouldBe(["'Tiers:gold' is missing, but somebody was at this tier within the last hour: the file is applied once nobody has been for an hour."]);
        settings.Value.Tiers.Find("glod").ShouldBeNull("nothing of it was applied");
        await MakeAsync();

        // It is tried again each minute, and is good in the end.
        for (var i = 0; i < 62; i++)
        {
            await PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(10));
        }

        await Eventually.BeAsync(() => settings.Refused is null && settings.Value.Tiers.Find("glod") is not null, "it is applied");
    }

    [Fact]
    public async Task A_tier_that_nobody_is_at_any_more_can_be_removed()
    {
        await MakeAsync();
        await PassAsync(TiersInUse.Memory);

        await ApplyAsync("\"silver\": {}");

        (await AskAsync()).ShouldBe(422, "unknown-tier");
    }

    private void Write(string gold)
    {
        var text = File.ReadAllText("appsettings.json").Replace("\"Tiers\": {", $"\"Tiers\": {{ {gold},", StringComparison.Ordinal);
        File.WriteAllText(_path, text);
    }

    /// <summary>The file counts once it was read twice: two seconds pass.</summary>
    private async Task ApplyAsync(string gold)
    {
        Write(gold);
        var settings = _gateway.Services.GetRequiredService<CurrentSettings>();
        var (before, refused) = (settings.Value, settings.Refused);
        await PassAsync(TimeSpan.FromSeconds(1));
        await PassAsync(TimeSpan.FromSeconds(1));
        await Eventually.BeAsync(() => settings.Value != before || settings.Refused != refused, "the file was read");
    }

    /// <summary>Lets whoever looks each second look.</summary>
    private async Task PassAsync(TimeSpan span, TimeSpan? room = null)
    {
        _time.Advance(span);
        await Task.Delay(room ?? TimeSpan.FromMilliseconds(150), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    private async Task<Answer> MakeAsync()
    {
        var answer = await AskAsync();
        answer.ShouldBeAnImage();
        return answer;
    }

    private Task<Answer> AskAsync() => _gateway.GenerateAsync(TestGateway.Sd3, $$"""{"inputs":"{{Guid.NewGuid()}}"}""", "gold");
}
