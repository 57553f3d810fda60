using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.RateLimiting;

/// <summary>Callers see their limits at <c>/limits</c>; the operator sees and corrects a user's at <c>/ops/limits</c>.</summary>
public class LimitsEndpointTests
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    private static readonly string[] Limits = ["RequestsPerMinute=10", "Burst=5", "ConcurrentRequests=1", "UnitsPerDay=10", "UnitsPerMonth=300"];

    [Fact]
    public async Task A_caller_sees_every_limit_of_its_user_what_is_used_left_and_when_it_frees()
    {
        await using var bench = await LimitBench.StartAsync([.. Limits, "Quota:TimeZone=Europe/Berlin"]);
        await bench.AskAsync();
        await bench.AskAsync();

        var answer = await bench.GetAsync("/limits");

        answer.Headers["Content-Type"].ShouldBe("application/json");
        answer.Headers["Cache-Control"].ShouldBe("no-store");
        Text(answer).ShouldBe("""
            {"user":"anna","tier":"free","timeZone":"Europe/Berlin",
            "requests":{"limit":10,"burst":5,"used":2,"left":3,"freesAt":"2026-11-22T12:00:06Z"},
            "concurrency":{"limit":1,"used":0,"left":1},
            "day":{"limit":10,"granted":0,"used":2,"reserved":0,"left":8,"freesAt":"2026-11-22T23:00:00Z"},
            "month":{"limit":300,"granted":0,"used":2,"reserved":0,"left":298,"freesAt":"2026-11-30T23:00:00Z"}}
            """.ReplaceLineEndings(""));
    }

    [Fact]
    public async Task Without_a_user_it_sees_its_own_and_what_is_unlimited_says_null()
    {
        await using var bench = await LimitBench.StartAsync();
        (await bench.AskAsync(user: null)).ShouldBeAnImage();

        Text(await bench.GetAsync("/limits", user: null)).ShouldBe("""
            {"caller":"backend","tier":"internal","timeZone":"UTC",
            "requests":{"limit":null,"used":0,"left":null},
            "concurrency":{"limit":null,"used":0,"left":null},
            "day":{"limit":null,"granted":0,"used":1,"reserved":0,"left":null,"freesAt":"2026-11-23T00:00:00Z"},
            "month":{"limit":null,"granted":0,"used":1,"reserved":0,"left":null,"freesAt":"2026-12-01T00:00:00Z"}}
            """.ReplaceLineEndings(""));
    }

    [Fact]
    public async Task Looking_costs_nothing_and_is_not_refused_to_who_has_nothing_left()
    {
        await using var bench = await LimitBench.StartAsync("RequestsPerMinute=1");
        await bench.AskAsync();

        for (var i = 0; i < 5; i++)
        {
            (await bench.GetAsync("/limits")).Json.GetProperty("requests").GetProperty("left").GetInt32().ShouldBe(0);
        }

        (await bench.GetAsync("/limits", user: "ben")).Json.GetProperty("requests").GetProperty("left").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task While_images_are_made_their_requests_and_units_are_seen()
    {
        await using var bench = await FlightBench.StartAsync("Tiers:pro:ConcurrentRequests=3", "Tiers:pro:UnitsPerDay=9");
        bench.HuggingFace.Behave("*", Misbehaviour.Delay(TimeSpan.FromSeconds(1)));
        var asking = bench.AskAsync(user: "anna");
        await bench.ShouldRenderAsync(1);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/limits");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.BackendKey);
        request.Headers.Add("X-Lumiku-User", "anna");
        request.Headers.Add("X-Lumiku-Tier", "pro");

        var limits = (await bench.Gateway.SendAsync(request)).Json;

        limits.GetProperty("concurrency").GetRawText().ShouldBe("""{"limit":3,"used":1,"left":2}""");
        (limits.GetProperty("day").GetProperty("used").GetInt32(), limits.GetProperty("day").GetProperty("reserved").GetInt32()).ShouldBe((1, 1));
        bench.UpstreamTime.Advance(TimeSpan.FromSeconds(1));
        await asking;
    }

    [Fact]
    public async Task Without_a_key_with_an_unknown_tier_or_another_method_it_is_refused_like_anything_else()
    {
        await using var bench = await LimitBench.StartAsync();

        (await Answer.ReadAsync(await bench.Gateway.Client.GetAsync("/limits", TestContext.Current.CancellationToken))).ShouldBe(401, "unauthenticated");
        (await bench.GetAsync("/limits", tier: "gold")).ShouldBe(422, "unknown-tier");
        (await bench.GetAsync("/limits", user: "a b")).ShouldBe(422, "invalid-user");
        var post = await Answer.ReadAsync(await bench.Gateway.Client.PostAsync("/limits", content: null, TestContext.Current.CancellationToken));
        post.ShouldBe(405, "method-not-allowed");
        post.Error.ShouldBe("POST is not allowed here; allowed: GET, HEAD.");
    }

    [Theory]
    [InlineData("GET", "/ops/limits?user=anna")]
    [InlineData("POST", "/ops/limits/grant?user=anna&units=1")]
    [InlineData("POST", "/ops/limits/reset?user=anna")]
    public async Task The_operators_part_is_closed_to_all_others_and_is_not_there_without_a_key(string method, string path)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using (var without = await TestGateway.StartAsync(huggingFace))
        {
            (await SendAsync(without, method, path, "Bearer", OperatorKey)).ShouldBe(404, "unknown-route");
            (await SendAsync(without, method, path, "Bearer", TestGateway.BackendKey)).ShouldBe(404, "unknown-route");
        }

        await using var gateway = await TestGateway.StartAsync(huggingFace, $"OPERATOR_KEY={OperatorKey}");
        (await SendAsync(gateway, method, path, "Bearer", TestGateway.BackendKey)).ShouldBe(401, "unauthenticated");
        (await SendAsync(gateway, method, path, "Bearer", OperatorKey + "x")).ShouldBe(401, "unauthenticated");
        (await SendAsync(gateway, method, path, scheme: null, "")).ShouldBe(401, "unauthenticated");
        (await SendAsync(gateway, method, path, "Basic", "not base64")).ShouldBe(401, "unauthenticated");
        (await SendAsync(gateway, method, path, "Bearer", OperatorKey)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("GET", "/ops/limits/grant", "POST")]
    [InlineData("PUT", "/ops/limits", "GET, HEAD")]
    public async Task Which_methods_there_are_only_the_operator_is_told(string method, string path, string allowed)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using (var without = await TestGateway.StartAsync(huggingFace))
        {
            (await SendAsync(without, method, path, scheme: null, "")).ShouldBe(404, "unknown-route");
        }

        await using var gateway = await TestGateway.StartAsync(huggingFace, $"OPERATOR_KEY={OperatorKey}");
        (await SendAsync(gateway, method, path, scheme: null, "")).ShouldBe(401, "unauthenticated");
        var refused = await SendAsync(gateway, method, path, "Bearer", OperatorKey);
        refused.ShouldBe(405, "method-not-allowed");
        refused.Header("Allow").ShouldBe(allowed);
    }

    [Fact]
    public async Task Asking_without_a_key_is_no_guess()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, new ManualTime(), $"OPERATOR_KEY={OperatorKey}", "Limits:FailedLoginsPerMinute=2");

        for (var i = 0; i < 4; i++)
        {
            (await SendAsync(gateway, "GET", "/ops/limits?user=anna", scheme: null, "")).ShouldBe(401, "unauthenticated");
        }
    }

    [Fact]
    public async Task A_caller_is_found_in_any_case_and_shown_by_its_own_limits()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, $"OPERATOR_KEY={OperatorKey}", "Tiers:internal:UnitsPerDay=7", "Callers:studio:Key=studio-key-0123456789", "Callers:studio:Limits:UnitsPerDay=5");

        var backend = (await SendAsync(gateway, "GET", "/ops/limits?caller=BACKEND", "Bearer", OperatorKey)).Json;
        (backend.GetProperty("caller").GetString(), backend.GetProperty("tier").GetString(), backend.GetProperty("known").GetBoolean()).ShouldBe(("backend", "internal", false));
        backend.GetProperty("day").GetProperty("limit").GetInt32().ShouldBe(7);
        (await SendAsync(gateway, "GET", "/ops/limits?caller=studio", "Bearer", OperatorKey)).Json.GetProperty("day").GetProperty("limit").GetInt32().ShouldBe(5);
    }

    [Fact]
    public async Task A_password_opens_the_look_but_not_the_acts_that_a_strange_page_could_have_a_browser_do()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        const string Key = "operator:key:0123456789abcdef";
        await using var gateway = await TestGateway.StartAsync(huggingFace, $"OPERATOR_KEY={Key}");
        var password = Convert.ToBase64String(Encoding.UTF8.GetBytes($"anybody:{Key}"));

        (await SendAsync(gateway, "GET", "/ops/limits?user=anna", "Basic", password)).Status.ShouldBe(HttpStatusCode.OK);
        (await SendAsync(gateway, "GET", "/ops/limits?user=anna", scheme: null, "")).Header("WWW-Authenticate").ShouldBe("Basic realm=\"Lumiku Gateway\", charset=\"UTF-8\"");
        var act = await SendAsync(gateway, "POST", "/ops/limits/reset?user=anna", "Basic", password);
        act.ShouldBe(401, "unauthenticated");
        act.Header("WWW-Authenticate").ShouldBe("Bearer");
    }

    [Fact]
    public async Task The_operators_key_is_no_callers_and_using_it_wrongly_is_no_guess()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, new ManualTime(), $"OPERATOR_KEY={OperatorKey}", "Limits:FailedLoginsPerMinute=3");

        for (var i = 0; i < 5; i++)
        {
            (await SendAsync(gateway, "GET", "/ops/limits?user=anna", "Bearer", OperatorKey)).Status.ShouldBe(HttpStatusCode.OK);
            (await SendAsync(gateway, "GET", "/limits", "Bearer", OperatorKey)).ShouldBe(401, "unauthenticated");
        }

        // A wrong one counts once as a caller's, and once as the operator's.
        (await SendAsync(gateway, "GET", "/ops/limits?user=anna", "Bearer", "guess")).ShouldBe(401, "unauthenticated");
        (await SendAsync(gateway, "GET", "/ops/limits?user=anna", "Bearer", "guess")).ShouldBe(429, "rate-limited");
        (await SendAsync(gateway, "GET", "/ops/limits?user=anna", "Bearer", OperatorKey)).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_grant_counts_at_once_and_a_reset_begins_anew()
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, new ManualTime(), "Tiers:free:UnitsPerDay=1", "Tiers:free:RequestsPerMinute=9", $"OPERATOR_KEY={OperatorKey}");
        await ShouldMakeAsync(gateway, 1);

        var granted = await SendAsync(gateway, "POST", "/ops/limits/grant?user=user-1&units=2", "Bearer", OperatorKey);
        granted.Json.GetProperty("tier").GetString().ShouldBe("free", "as it was seen last");
        granted.Json.GetProperty("day").GetRawText().ShouldBe("""{"limit":1,"granted":2,"used":1,"reserved":0,"left":2,"freesAt":"2026-11-23T00:00:00Z"}""");
        await ShouldMakeAsync(gateway, 2);
        (await SendAsync(gateway, "POST", "/ops/limits/grant?user=user-1&units=-1", "Bearer", OperatorKey)).Json.GetProperty("month").GetProperty("granted").GetInt32().ShouldBe(1);

        var reset = await SendAsync(gateway, "POST", "/ops/limits/reset?user=user-1", "Bearer", OperatorKey);
        reset.Json.GetProperty("requests").GetProperty("left").GetInt32().ShouldBe(9);
        reset.Json.GetProperty("day").GetRawText().ShouldBe("""{"limit":1,"granted":0,"used":0,"reserved":0,"left":1,"freesAt":"2026-11-23T00:00:00Z"}""");
        await ShouldMakeAsync(gateway, 1);

        async Task ShouldMakeAsync(TestGateway gateway, int images)
        {
            for (var i = 0; i < images; i++)
            {
                (await gateway.GenerateAsync(TestGateway.Sd3, $$"""{"inputs":"{{Guid.NewGuid()}}"}""", "free")).ShouldBeAnImage();
            }

            (await gateway.GenerateAsync(TestGateway.Sd3, $$"""{"inputs":"{{Guid.NewGuid()}}"}""", "free")).ShouldBe(429, "quota-exceeded");
        }
    }

    [Theory]
    [InlineData("GET", "/ops/limits", "parameter-refused")]
    [InlineData("GET", "/ops/limits?user=a&caller=b", "parameter-refused")]
    [InlineData("GET", "/ops/limits?user=a%20b", "invalid-user")]
    [InlineData("POST", "/ops/limits/grant?caller=nobody&units=5", "parameter-refused")]
    [InlineData("POST", "/ops/limits/reset?caller=a%0aFAKE%20LINE", "parameter-refused")]
    [InlineData("GET", "/ops/limits?caller=jwt", "parameter-refused")]
    [InlineData("POST", "/ops/limits/grant?user=a", "parameter-refused")]
    [InlineData("POST", "/ops/limits/grant?user=a&units=0", "parameter-refused")]
    [InlineData("POST", "/ops/limits/grant?user=a&units=1.5", "parameter-refused")]
    [InlineData("POST", "/ops/limits/grant?user=a&units=1000000001", "parameter-refused")]
    [InlineData("POST", "/ops/limits/grant?user=a&units=-1000000001", "parameter-refused")]
    public async Task What_an_operator_cannot_mean_is_refused_and_changes_nothing(string method, string path, string type)
    {
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await TestGateway.StartAsync(huggingFace, $"OPERATOR_KEY={OperatorKey}");

        (await SendAsync(gateway, method, path, "Bearer", OperatorKey)).ShouldBe(422, type);

        (await SendAsync(gateway, "GET", "/ops/limits?user=a", "Bearer", OperatorKey)).Json.GetProperty("day").GetProperty("granted").GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task The_command_shows_grants_and_resets_and_the_log_has_it_without_the_users_id()
    {
        const string User = "a/b?c&d=unlaut";
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { ["OPERATOR_KEY"] = OperatorKey });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{TestGateway.Sd3}") { Content = TestGateway.Json(FlightBench.Body) };
        request.Headers.Add("Authorization", $"Bearer {TestGateway.BackendKey}");
        request.Headers.Add("X-Lumiku-User", User);
        request.Headers.Add("X-Lumiku-Tier", "basic");
        ((int)(await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode).ShouldBe(200);

        var shown = await RunAsync("show", User);
        shown.ShouldStartWith($"user {User}, tier basic\n");
        shown.ShouldContain("day          49 of 50 units left, 1 used; anew at ");
        (await RunAsync("grant", User, "5")).ShouldContain("54 of 50 units left, 1 used, +5 granted; anew at ");
        (await RunAsync("grant", User, "-7")).ShouldContain("47 of 50 units left, 1 used, -2 granted; anew at ");
        (await RunAsync("reset", User)).ShouldContain("50 of 50 units left, 0 used; anew at ");
        (await RunAsync("show", User, "--json")).ShouldStartWith("{\"user\":\"a/b?c&d=unlaut\",\"tier\":\"basic\",\"known\":true,");
        (await RunAsync("show", "BACKEND", "--caller")).ShouldStartWith("caller backend, tier internal (no request is remembered");
        (await RunAsync("show", "@ben")).ShouldStartWith("user @ben, tier free (no request is remembered");

        var lines = gateway.Lines().Select(line => line.GetProperty("@m").GetString()!).ToList();
        lines.ShouldContain(line => line.StartsWith("An operator granted 5 units to user #", StringComparison.Ordinal) && line.EndsWith("in all it has been granted 5 today and 5 this month", StringComparison.Ordinal));
        lines.ShouldContain(line => line.Contains("An operator reset the limits of user #", StringComparison.Ordinal) && line.Contains("had used 1 units today (granted: -2)", StringComparison.Ordinal));
        string.Join('\n', gateway.Output).ShouldNotContain("unlaut");
        string.Join('\n', gateway.Output).ShouldNotContain(OperatorKey);

        async Task<string> RunAsync(params string[] arguments)
        {
            await using var command = GatewayProcess.Start(["limits", .. arguments, "--url", $"{gateway.Client.BaseAddress}"], new() { ["OPERATOR_KEY"] = OperatorKey });
            (await command.ExitCodeAsync()).ShouldBe(0, command.Errors);
            return string.Join('\n', command.Output);
        }
    }

    [Theory]
    [InlineData(2, "OPERATOR_KEY is not set", null, "limits", "show", "anna")]
    [InlineData(1, "No answer from the gateway at 127.0.0.1:9:", OperatorKey, "limits", "show", "anna", "--url", "http://127.0.0.1:9")]
    [InlineData(2, "OPERATOR_KEY must be visible ASCII characters without spaces.", "a\nb", "limits", "show", "anna")]
    [InlineData(2, "Required argument missing", OperatorKey, "limits", "grant", "anna")]
    [InlineData(2, "'--caler' is not understood.", OperatorKey, "limits", "reset", "anna", "--caler")]
    [InlineData(2, "'--jsonn' is not understood.", null, "keys", "create", "studio", "--jsonn")]
    [InlineData(2, "'--nonsense' is not understood.", null, "check", "appsettings.json", "--nonsense")]
    [InlineData(2, "many", OperatorKey, "limits", "grant", "anna", "many")]
    [InlineData(2, "--url must be an address such as http://127.0.0.1:8080.", OperatorKey, "limits", "show", "anna", "--url", "nowhere")]
    public async Task A_command_that_cannot_be_done_says_why(int exitCode, string why, string? key, params string[] arguments)
    {
        await using var command = GatewayProcess.Start(arguments, key is null ? [] : new() { ["OPERATOR_KEY"] = key });

        (await command.ExitCodeAsync()).ShouldBe(exitCode);

        command.Errors.ShouldContain(why);
        command.Errors.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("99999")]
    [InlineData("0")]
    public async Task A_port_that_is_none_is_said_to_be_none(string port)
    {
        await using var command = GatewayProcess.Start(["limits", "show", "anna"], new() { ["OPERATOR_KEY"] = OperatorKey, ["PORT"] = port });

        (await command.ExitCodeAsync()).ShouldBe(2);

        command.Errors.ShouldBe("PORT is no port: give a number from 1 to 65535, or --url.");
    }

    [Fact]
    public async Task The_key_goes_through_no_proxy_of_the_environment()
    {
        using var proxy = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        await using var huggingFace = await HuggingFaceSimulator.StartAsync();
        await using var gateway = await GatewayProcess.ServeAsync(huggingFace.Address, new() { ["OPERATOR_KEY"] = OperatorKey });
        await using var command = GatewayProcess.Start(
            ["limits", "show", "anna", "--url", $"{gateway.Client.BaseAddress}"], new() { ["OPERATOR_KEY"] = OperatorKey, ["http_proxy"] = $"http://{proxy.LocalEndpoint}" });

        (await command.ExitCodeAsync()).ShouldBe(0, command.Errors);

        proxy.Pending().ShouldBeFalse();
    }

    private static string Text(Answer answer) => Encoding.UTF8.GetString(answer.Body);

    private static async Task<Answer> SendAsync(TestGateway gateway, string method, string path, string? scheme, string key)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (scheme is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"{scheme} {key}");
        }

        return await gateway.SendAsync(request);
    }
}
