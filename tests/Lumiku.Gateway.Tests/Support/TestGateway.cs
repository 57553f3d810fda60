using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Lumiku.HuggingFace.Simulator;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>The whole gateway on a real socket, in this process. Only settings differ from production, and the clock where a test says so.</summary>
public sealed class TestGateway : IAsyncDisposable
{
    public const string BackendKey = "backend-key-0123456789abcdef";
    public const string UpstreamToken = "hf_TestTokenOfTheGateway0123";
    public const string Dev = "black-forest-labs/FLUX.1-dev";
    public const string Schnell = "black-forest-labs/FLUX.1-schnell";

    /// <summary>Has no fallback: its errors reach the caller.</summary>
    public const string Sd3 = "stabilityai/stable-diffusion-3-medium-diffusers";
    public const string Xl = "stabilityai/stable-diffusion-xl-base-1.0";

    /// <summary>The other upstreams of the shipped settings; the simulator is all of them.</summary>
    public static readonly string[] Providers = ["nscale", "together", "fal-ai", "replicate", "wavespeed"];

    private static readonly Lazy<string> UnlimitedFile = new(() =>
    {
        var path = Path.Combine(AppContext.BaseDirectory, "appsettings.unlimited.json");
        var limits = new Regex("""(, )?"(RequestsPerMinute|Burst|ConcurrentRequests|UnitsPerDay|UnitsPerMonth)": \d+(?=[ ,])""");
        var served = new Regex("""^ *"Served": \[\n( +\{.*\n)+ *\],\n""", RegexOptions.Multiline);
        var lines = served.Replace(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "appsettings.json")), "").Split('\n');
        File.WriteAllLines(path, lines.Select(line => line.TrimStart().StartsWith("//", StringComparison.Ordinal) ? line : limits.Replace(line, "").Replace("{ ,", "{", StringComparison.Ordinal)));
        return path;
    });

    private readonly WebApplication _app;

    private TestGateway(WebApplication app)
    {
        _app = app;
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>The path of the shipped settings without the tiers' limits, and with Hugging Face's own as the only upstream, which all of these gateways have unless a test says otherwise.</summary>
    public static string UnlimitedSettings => UnlimitedFile.Value;

    /// <summary>Sends nothing of its own: no key, no Accept.</summary>
    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    /// <param name="settings"><c>Section:Key=value</c>; they win over the shipped file.</param>
    public static Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, params string[] settings) => StartAsync(huggingFace, time: null, settings);

    public static async Task<TestGateway> StartAsync(HuggingFaceSimulator huggingFace, TimeProvider? time, params string[] settings)
    {
        var app = await GatewayHost.CreateAsync(Arguments(huggingFace.Address, settings), services =>
        {
            if (time is not null)
            {
                services.AddSingleton(time);
            }
        });
        await app.StartAsync();
        return new TestGateway(app);
    }

    /// <summary>With the limits that are shipped, too.</summary>
    public static async Task<TestGateway> StartShippedAsync(HuggingFaceSimulator huggingFace, TimeProvider time)
    {
        var app = await GatewayHost.CreateAsync(Arguments(huggingFace.Address, $"GATEWAY_SETTINGS={Path.Combine(AppContext.BaseDirectory, "appsettings.json")}"), services => services.AddSingleton(time));
        await app.StartAsync();
        return new TestGateway(app);
    }

    /// <param name="replace">Replaces the clock, chance, how long connecting may take; nothing else.</param>
    public static async Task<TestGateway> StartWithAsync(HuggingFaceSimulator huggingFace, Action<IServiceCollection> replace, params string[] settings)
    {
        var app = await GatewayHost.CreateAsync(Arguments(huggingFace.Address, settings), replace);
        await app.StartAsync();
        return new TestGateway(app);
    }

    /// <summary>The four variables of a deployment and the simulator as upstream; what the test says comes last and wins.</summary>
    public static string[] Arguments(Uri upstream, params string[] settings) =>
    [
        "--urls=http://127.0.0.1:0",
        $"--HUGGINGFACE_API_KEY={UpstreamToken}",
        $"--GATEWAY_API_KEY={BackendKey}",
        $"--ReverseProxy:Clusters:huggingface:Destinations:primary:Address={upstream}",
        "--Serilog:MinimumLevel:Default=Fatal",
        $"--GATEWAY_SETTINGS={UnlimitedSettings}",
        .. settings.Select(setting => "--" + setting),
    ];

    /// <summary>A generation asked for as the backend does, for a user of a tier.</summary>
    public async Task<Answer> GenerateAsync(string model, string body, string? tier = null, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/models/{model}") { Content = Json(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", BackendKey);
        if (tier is not null)
        {
            request.Headers.Add("X-Lumiku-Tier", tier);
            request.Headers.Add("X-Lumiku-User", "user-1");
        }

        change?.Invoke(request);
        return await SendAsync(request);
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request) => await Answer.ReadAsync(await Client.SendAsync(request));

    /// <summary>JSON as axios labels it: no charset.</summary>
    public static ByteArrayContent Json(string body) => Json(Encoding.UTF8.GetBytes(body));

    /// <summary>Bytes under the same label, JSON or not.</summary>
    public static ByteArrayContent Json(byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    /// <summary>As a signal does it: grace, draining, end.</summary>
    public Task StopAsync() => _app.StopAsync();

    /// <summary>Without the grace that a signal gives: nobody balances load here.</summary>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }
}
