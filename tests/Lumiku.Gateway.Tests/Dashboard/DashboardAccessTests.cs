using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using Lumiku.Gateway.Dashboard;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>Nothing of the operators' page is had without the operator's key, by whatever way.</summary>
public sealed class DashboardAccessTests : IAsyncLifetime
{
    private const string OperatorKey = "operator-key-0123456789abcdef";

    private readonly ManualTime _time = new();
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await TestGateway.StartAsync(_huggingFace, _time, $"OPERATOR_KEY={OperatorKey}", "Limits:FailedLoginsPerMinute=3");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
    }

    [Theory]
    [InlineData("/ops")]
    [InlineData("/ops/requests")]
    [InlineData("/ops/ops.js")]
    [InlineData("/ops/_framework/blazor.web.js")]
    [InlineData("/ops/_content/Radzen.Blazor/css/standard-base.css")]
    [InlineData("/ops/_blazor/initializers")]
    [InlineData("/ops/what-nobody-has")]
    public async Task Without_the_key_a_browser_is_asked_for_it_and_gets_nothing_else(string path)
    {
        using var answer = await GetAsync(path, "");

        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        answer.Headers.WwwAuthenticate.ShouldHaveSingleItem().Scheme.ShouldBe("Basic");
        answer.Headers.Contains("Set-Cookie").ShouldBeFalse();
        (await answer.Content.ReadAsStringAsync()).ShouldNotContain("<html");
    }

    [Theory]
    [InlineData("Basic", "x:" + OperatorKey)]
    [InlineData("Bearer", OperatorKey)]
    public async Task The_key_opens_the_page_and_its_browser_gets_a_cookie_that_opens_it_too(string scheme, string given)
    {
        var cookie = await SignInAsync(scheme, given);

        cookie.ShouldContain("; path=/ops; samesite=strict; httponly");
        cookie.ShouldNotContain("secure");
        using var answer = await GetAsync("/ops", cookie);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("<title>");
        answer.Headers.Contains("Set-Cookie").ShouldBeTrue("the form's, and not another hour");
        answer.Headers.GetValues("Set-Cookie").ShouldNotContain(value => value.StartsWith(DashboardSession.CookieName + "=", StringComparison.Ordinal));
        using var script = await GetAsync("/ops/_framework/blazor.web.js", cookie);
        script.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Behind_TLS_the_cookie_is_for_TLS_alone() =>
        (await SignInAsync("Bearer", OperatorKey, request => request.Headers.Add("X-Forwarded-Proto", "https"))).ShouldContain("; secure");

    [Fact]
    public async Task A_cookie_is_over_after_an_hour()
    {
        var cookie = await SignInAsync("Bearer", OperatorKey);

        _time.Advance(DashboardSession.Lifetime + TimeSpan.FromSeconds(1));

        using var answer = await GetAsync("/ops", cookie);
        answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_forged_cookie_opens_nothing_and_counts_as_a_wrong_key()
    {
        var cookie = (await SignInAsync("Bearer", OperatorKey)).Split(';')[0];
        var ends = cookie.IndexOf('=', StringComparison.Ordinal) + 1;
        string[] forged =
        [
            $"{cookie[..ends]}9{cookie[(ends + 1)..]}", // Lasts longer.
            $"{cookie[..^1]}{(cookie[^1] == 'A' ? 'B' : 'A')}",
            $"{DashboardSession.CookieName}=.",
            $"{DashboardSession.CookieName}={new string('9', 30)}.x.{cookie.Split('.')[^1]}",
        ];
        List<HttpStatusCode> statuses = [];
        foreach (var one in forged)
        {
            using var answer = await GetAsync("/ops", one);
            statuses.Add(answer.StatusCode);
        }

        statuses.ShouldBe([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests]);
    }

    [Fact]
    public async Task A_cookie_of_another_key_is_none()
    {
        await using var other = await TestGateway.StartAsync(_huggingFace, $"OPERATOR_KEY=another-{OperatorKey}");
        await using var same = await TestGateway.StartAsync(_huggingFace, _time, $"OPERATOR_KEY={OperatorKey}");
        var cookie = await SignInAsync("Bearer", OperatorKey);

        using var atOther = await GetAsync("/ops", cookie, other);
        using var atSame = await GetAsync("/ops", cookie, same);

        atOther.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        atSame.StatusCode.ShouldBe(HttpStatusCode.OK, "replicas agree");
    }

    [Fact]
    public async Task Wrong_keys_are_counted_by_their_address()
    {
        List<HttpStatusCode> statuses = [];
        for (var i = 0; i < 4; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/ops") { Headers = { Authorization = new("Bearer", $"wrong-{i}") } };
            using var answer = await SendAsync(_gateway, request);
            statuses.Add(answer.StatusCode);
        }

        statuses.ShouldBe([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests]);
        (await SignInAsync("Bearer", OperatorKey)).ShouldNotBeEmpty("the right one is never refused");
    }

    [Fact]
    public async Task The_right_key_opens_the_page_though_a_cookie_of_an_older_one_comes_with_it()
    {
        for (var i = 0; i < 4; i++)
        {
            using var wrong = await GetAsync("/ops", $"{DashboardSession.CookieName}=9.of-another-key.x");
        }

        var cookie = await SignInAsync("Bearer", OperatorKey, request => request.Headers.Add("Cookie", $"{DashboardSession.CookieName}=9.of-another-key.x"));

        cookie.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("POST", "/ops")]
    [InlineData("POST", "/ops/_blazor/negotiate")]
    [InlineData("POST", "/ops/_blazor/disconnect")]
    [InlineData("PUT", "/ops/ops.js")]
    public async Task Nothing_is_done_by_a_form_or_a_script_of_another_site_with_cookie_or_password(string method, string path)
    {
        var cookie = await SignInAsync("Bearer", OperatorKey);
        foreach (var change in new Action<HttpRequestMessage>[]
        {
            request => request.Headers.Add("Cookie", cookie.Split(';')[0]),
            request => request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"x:{OperatorKey}"))),
        })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            change(request);
            using var answer = await SendAsync(_gateway, request);
            answer.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        }
    }

    [Fact]
    public async Task Without_an_operators_key_there_is_no_page()
    {
        await using var closed = await TestGateway.StartAsync(_huggingFace);
        foreach (var path in new[] { "/ops", "/ops/", "/ops/ops.js", "/ops/_framework/blazor.web.js", "/ops/_blazor" })
        {
            using var answer = await GetAsync(path, "", closed);
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound, path);
        }
    }

    [Fact]
    public async Task Nothing_of_the_page_is_at_the_root_and_the_operators_other_paths_are_as_they_were()
    {
        var cookie = await SignInAsync("Bearer", OperatorKey);
        foreach (var path in new[] { "/_blazor", "/_blazor/initializers", "/_framework/blazor.web.js", "/_content/Radzen.Blazor/css/standard-base.css", "/ops.js", "/requests", "/OPS" })
        {
            using var answer = await GetAsync(path, cookie);
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound, path);
        }

        using var models = await GetAsync("/ops/models", cookie);
        models.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, "programs send the key");
    }

    [Fact]
    public async Task Every_answer_has_the_headers_that_keep_others_out()
    {
        var cookie = await SignInAsync("Bearer", OperatorKey);
        foreach (var (path, with) in new[] { ("/ops", cookie), ("/ops/ops.css", cookie), ("/ops", "") })
        {
            using var answer = await GetAsync(path, with);
            var policy = answer.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
            policy.ShouldContain("default-src 'none'; script-src 'self'; style-src 'self';");
            policy.ShouldContain("frame-ancestors 'none'");
            policy.ShouldNotContain("unsafe-eval");
            answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
            answer.Headers.GetValues("X-Frame-Options").ShouldBe(["DENY"]);
            answer.Headers.GetValues("Referrer-Policy").ShouldBe(["no-referrer"]);
            if (path == "/ops")
            {
                answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
            }
        }
    }

    [Fact]
    public async Task A_WebSocket_is_opened_from_the_page_alone()
    {
        var cookie = (await SignInAsync("Bearer", OperatorKey)).Split(';')[0];
        var here = _gateway.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);

        (await OpenAsync("/ops/_blazor", cookie, here)).ShouldBe(HttpStatusCode.SwitchingProtocols);
        (await OpenAsync("/ops/_blazor", cookie, "https://evil.example")).ShouldBe(HttpStatusCode.Unauthorized);
        (await OpenAsync("/ops/_blazor", cookie, "null")).ShouldBe(HttpStatusCode.Unauthorized);
        (await OpenAsync("/ops/_blazor", cookie, origin: null)).ShouldBe(HttpStatusCode.Unauthorized);
        (await OpenAsync("/ops/_blazor", cookie: null, here)).ShouldBe(HttpStatusCode.Unauthorized);
        (await OpenAsync("/ops/_blazor", $"{cookie}x", here)).ShouldBe(HttpStatusCode.Unauthorized);
        (await OpenAsync("/ops/other", cookie, here)).ShouldBe(HttpStatusCode.BadRequest);
        (await OpenAsync("/models/a/b", cookie, here)).ShouldBe(HttpStatusCode.BadRequest);
        _time.Advance(DashboardSession.Lifetime + TimeSpan.FromSeconds(1));
        (await OpenAsync("/ops/_blazor", cookie, here)).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_WebSocket_ends_with_its_cookie()
    {
        var cookie = (await SignInAsync("Bearer", OperatorKey)).Split(';')[0];
        using var socket = await ConnectAsync(cookie);

        _time.Advance(DashboardSession.Lifetime + TimeSpan.FromSeconds(1));

        await Should.ThrowAsync<WebSocketException>(() => socket.ReceiveAsync(new byte[64], CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task One_page_too_many_is_told_so_and_the_next_is_shown_when_one_closes()
    {
        var cookie = (await SignInAsync("Bearer", OperatorKey)).Split(';')[0];
        List<ClientWebSocket> open = [];
        for (var i = 0; i < OpenPages.Most; i++)
        {
            open.Add(await ConnectAsync(cookie));
        }

        using var full = await GetAsync("/ops", cookie);
        full.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await full.Content.ReadAsStringAsync()).ShouldContain("Too many pages are open");
        using var style = await GetAsync("/ops/ops.css", cookie);
        style.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await _gateway.GenerateAsync(TestGateway.Sd3, """{"inputs":"a lighthouse"}""")).Status.ShouldBe(HttpStatusCode.OK, "callers notice nothing");

        open[0].Abort();
        await Eventually.BeAsync(async () =>
        {
            using var next = await GetAsync("/ops", cookie);
            return next.StatusCode == HttpStatusCode.OK;
        }, "there is a place again");
        open.ForEach(socket => socket.Dispose());
    }

    private async Task<string> SignInAsync(string scheme, string given, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/ops");
        request.Headers.Authorization = new AuthenticationHeaderValue(scheme, scheme == "Basic" ? Convert.ToBase64String(Encoding.UTF8.GetBytes(given)) : given);
        change?.Invoke(request);
        using var answer = await SendAsync(_gateway, request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return answer.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith(DashboardSession.CookieName + "=", StringComparison.Ordinal));
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string cookie, TestGateway? gateway = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (cookie.Length > 0)
        {
            request.Headers.Add("Cookie", cookie.Split(';')[0]);
        }

        return await SendAsync(gateway ?? _gateway, request);
    }

    /// <summary>Remembers no cookie by itself.</summary>
    private async Task<HttpResponseMessage> SendAsync(TestGateway gateway, HttpRequestMessage request)
    {
        request.RequestUri = new Uri(gateway.Client.BaseAddress!, request.RequestUri!);
        return await _client.SendAsync(request);
    }

    private async Task<ClientWebSocket> ConnectAsync(string cookie)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", cookie);
        socket.Options.SetRequestHeader("Origin", _gateway.Client.BaseAddress!.GetLeftPart(UriPartial.Authority));
        await socket.ConnectAsync(new Uri($"ws://{_gateway.Client.BaseAddress!.Authority}/ops/_blazor"), CancellationToken.None);
        return socket;
    }

    private async Task<HttpStatusCode> OpenAsync(string path, string? cookie, string? origin)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        if (cookie is not null)
        {
            socket.Options.SetRequestHeader("Cookie", cookie);
        }

        if (origin is not null)
        {
            socket.Options.SetRequestHeader("Origin", origin);
        }

        try
        {
            await socket.ConnectAsync(new Uri($"ws://{_gateway.Client.BaseAddress!.Authority}{path}"), CancellationToken.None);
        }
        catch (WebSocketException)
        {
            // The status says why.
        }

        return socket.HttpStatusCode;
    }
}
