using Microsoft.Playwright;
using Xunit;

namespace Lumiku.Gateway.Tests.Dashboard;

/// <summary>Debian's Chromium, started once for all tests that look at the page. They run one after the other.</summary>
public sealed class Browser : IAsyncLifetime
{
    public const string Chromium = "/usr/bin/chromium";

    private readonly string _path;

    private IPlaywright _playwright = null!;
    private IBrowser _chromium = null!;

    public Browser()
        : this(Chromium)
    {
    }

    /// <param name="path">Of Chromium, or of a script that starts it.</param>
    public Browser(string path) => _path = path;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Chromium))
        {
            throw new InvalidOperationException($"These tests look at the page with a browser, and there is no {Chromium}: apt-get install -y chromium");
        }

        Assertions.SetDefaultExpectTimeout(20_000);
        _playwright = await Playwright.CreateAsync();
        _chromium = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = _path, Args = ["--no-sandbox"] });
    }

    /// <summary>A browser of an operator in Berlin who types the key where it is asked for.</summary>
    public async Task<Visit> VisitAsync(Uri gateway, ColorScheme scheme = ColorScheme.Light, int width = 1440, string key = OperatorsGateway.OperatorKey)
    {
        var context = await _chromium.NewContextAsync(new()
        {
            BaseURL = new Uri(gateway, "/ops/").ToString(),
            HttpCredentials = new() { Username = "anybody", Password = key },
            TimezoneId = "Europe/Berlin",
            ColorScheme = scheme,
            ViewportSize = new() { Width = width, Height = 900 },
        });
        context.SetDefaultTimeout(20_000);
        return new Visit(context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await _chromium.DisposeAsync();
        _playwright.Dispose();
    }
}

/// <summary>A page, and what it complained of: scripts and styles that its policy forbids among it.</summary>
public sealed class Visit : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _complaints = [];

    public Visit(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) => Note(message.Type is "error" or "warning", message.Text);
        page.PageError += (_, error) => Note(isBad: true, error);
    }

    public IPage Page { get; }

    public IReadOnlyCollection<string> Complaints
    {
        get
        {
            lock (_complaints)
            {
                return [.. _complaints];
            }
        }
    }

    /// <summary>Goes there, and waits until the page lives.</summary>
    /// <param name="path">Below <c>/ops/</c>.</param>
    public async Task GoAsync(string path)
    {
        await Page.GotoAsync(path);
        await Page.Locator("main[data-live]").WaitForAsync();
    }

    public async Task<string> FigureAsync(string id) => (await Page.Locator($"[data-figure='{id}']").First.InnerTextAsync()).Trim();

    /// <summary>Waits for it, as numbers come once a second.</summary>
    public Task FigureBecomesAsync(string id, string value) => Assertions.Expect(Page.Locator($"[data-figure='{id}']").First).ToHaveTextAsync(value, new() { Timeout = 20_000 });

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();

    private void Note(bool isBad, string text)
    {
        if (isBad)
        {
            lock (_complaints)
            {
                _complaints.Add(text);
            }
        }
    }
}
