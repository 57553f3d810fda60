using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Telemetry;

/// <summary><c>/metrics</c> is the operator's, and says what state the gateway is in.</summary>
[Collection(Alone.Name)]
public sealed class MetricsTests : ReplicaTests
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    [Fact]
    public async Task They_are_for_whoever_holds_the_operators_key()
    {
        await StartAsync(1, isPatient: true, $"OPERATOR_KEY={OperatorKey}");

        (await GetAsync(new("Bearer", OperatorKey))).ShouldSatisfyAllConditions(
            answer => answer.Status.ShouldBe(HttpStatusCode.OK),
            answer => answer.Header("Content-Type").ShouldBe("text/plain; version=0.0.4; charset=utf-8"));
        (await GetAsync(new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"anyone:{OperatorKey}"))))).Status.ShouldBe(HttpStatusCode.OK);
        (await GetAsync(null)).ShouldBe(401, "unauthenticated");
        (await GetAsync(new("Bearer", TestGateway.BackendKey))).ShouldBe(401, "unauthenticated");
    }

    [Fact]
    public async Task Without_an_operators_key_there_are_none()
    {
        await StartAsync(1, isPatient: true);

        (await GetAsync(null)).ShouldBe(404, "unknown-route");
    }

    [Fact]
    public async Task A_redis_that_goes_away_is_seen_and_so_is_its_return()
    {
        await StartAsync(1, isPatient: false, $"OPERATOR_KEY={OperatorKey}", "Tiers:free:UnitsPerDay=100");
        await ShouldShowAsync("""lumiku_redis_up{lumiku_redis_store="limits"} 1""", """lumiku_redis_up{lumiku_redis_store="images"} 1""");
        var before = await OutagesAsync("limits");

        Wire.IsSilent = true;
        (await AskAsync(0, "anna", NewBody())).ShouldBeAnImage();
        await Eventually.BeAsync(async () => { await AskAsync(0, "anna", NewBody()); return (await MetricsAsync()).Contains("""lumiku_redis_up{lumiku_redis_store="limits"} 0""", StringComparison.Ordinal); }, "it is away");
        (await UntoldAsync()).ShouldBeGreaterThan(0);
        (await OutagesAsync("limits")).ShouldBe(before + 1, "once, however many calls have failed");

        Wire.IsSilent = false;
        await ShouldShowAsync("""lumiku_redis_up{lumiku_redis_store="limits"} 1""", """lumiku_redis_up{lumiku_redis_store="images"} 1""");
        await Eventually.BeAsync(async () => await UntoldAsync() == 0, "it was told");
        (await OutagesAsync("limits")).ShouldBeGreaterThan(before, "once more, if the machine was slow when it had just returned");
    }

    private Task ShouldShowAsync(params string[] series) =>
        Eventually.BeAsync(async () => { var shown = await MetricsAsync(); return series.All(one => shown.Contains(one, StringComparison.Ordinal)); }, string.Join(" and ", series));

    private async Task<long> OutagesAsync(string store) => await ValueAsync($$"""lumiku_redis_outages_total{lumiku_redis_store="{{store}}"}""");

    private async Task<long> UntoldAsync() => await ValueAsync("lumiku_limits_untold");

    private async Task<long> ValueAsync(string series)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(350), TimeProvider.System, TestContext.Current.CancellationToken); // An answer is good for 300 ms.
        var line = (await MetricsAsync()).Split('\n').Single(line => line.StartsWith($"{series} ", StringComparison.Ordinal));
        return long.Parse(line[(series.Length + 1)..], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Without the name of the meter, which every series has.</summary>
    private async Task<string> MetricsAsync() =>
        Encoding.UTF8.GetString((await GetAsync(new("Bearer", OperatorKey))).Body).Replace("""otel_scope_name="Lumiku.Gateway",""", "", StringComparison.Ordinal).Replace("""{otel_scope_name="Lumiku.Gateway"}""", "", StringComparison.Ordinal);

    private async Task<Answer> GetAsync(AuthenticationHeaderValue? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Authorization = key;
        return await Replicas[0].SendAsync(request);
    }
}
