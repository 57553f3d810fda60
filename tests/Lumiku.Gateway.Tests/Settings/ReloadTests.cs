using System.Diagnostics;
using System.Net;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Lumiku.Gateway.Tests.Settings;

/// <summary>A change of the file counts within seconds; a mistake in it changes nothing.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private const string Body = """{"inputs":"a heron"}""";

    private readonly EditedSettings _settings = new();

    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await TestGateway.StartAsync(_huggingFace, $"GATEWAY_SETTINGS={_settings.Path}");
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
        _settings.Dispose();
    }

    [Fact]
    public async Task A_new_entitlement_counts_for_requests_that_start_afterwards()
    {
        (await ServedAsync()).ShouldBe(TestGateway.Schnell);

        _settings.Edit(text => text.Replace("\"free\": {", "\"free\": { \"Entitlements\": [ \"PRO\" ],", StringComparison.Ordinal));

        await Eventually.BeAsync(async () => await ServedAsync() == TestGateway.Dev, "the free tier has PRO");
    }

    [Fact]
    public async Task A_file_replaced_by_rename_counts()
    {
        var next = _settings.Path + ".next";
        await File.WriteAllTextAsync(next, (await File.ReadAllTextAsync(_settings.Path, Token)).Replace("\"Unlisted\": \"Allow\"", "\"Unlisted\": \"Deny\"", StringComparison.Ordinal), Token);

        File.Move(next, _settings.Path, overwrite: true);

        await Eventually.BeAsync(async () => (await _gateway.GenerateAsync("stabilityai/stable-diffusion-2-1", Body)).Status == HttpStatusCode.NotFound, "unlisted models are denied");
    }

    [Fact]
    public async Task A_file_behind_a_symbolic_link_that_is_swapped_counts()
    {
        // As a mounted volume does it: the file is a link to a link to a directory, and that one is swapped.
        var directory = Path.GetDirectoryName(_settings.Path)!;
        var (old, next, data) = (Path.Combine(directory, "..old"), Path.Combine(directory, "..next"), Path.Combine(directory, "..data"));
        Directory.CreateDirectory(old);
        Directory.CreateDirectory(next);
        var good = await File.ReadAllTextAsync(_settings.Path, Token);
        await File.WriteAllTextAsync(Path.Combine(old, "appsettings.json"), good, Token);
        await File.WriteAllTextAsync(Path.Combine(next, "appsettings.json"), good.Replace("\"Unlisted\": \"Allow\"", "\"Unlisted\": \"Deny\"", StringComparison.Ordinal), Token);
        Directory.CreateSymbolicLink(data, "..old");
        File.Delete(_settings.Path);
        File.CreateSymbolicLink(_settings.Path, Path.Combine("..data", "appsettings.json"));
        await Task.Delay(TimeSpan.FromMilliseconds(400), TimeProvider.System, Token);
        (await ReadyAsync()).ShouldBe("""{"status":"ready"}""");

        Directory.CreateSymbolicLink(data + ".swap", "..next");
        Process.Start("mv", ["-T", data + ".swap", data])!.WaitForExit();

        await Eventually.BeAsync(async () => (await _gateway.GenerateAsync("stabilityai/stable-diffusion-2-1", Body)).Status == HttpStatusCode.NotFound, "unlisted models are denied");
    }

    [Fact]
    public async Task A_file_that_is_written_slowly_in_place_is_never_taken_for_half_of_it()
    {
        var next = (await File.ReadAllBytesAsync(_settings.Path, Token)).AsMemory();
        var text = System.Text.Encoding.UTF8.GetString(next.Span).Replace("\"Unlisted\": \"Allow\"", "\"Unlisted\": \"Deny\"", StringComparison.Ordinal);
        next = System.Text.Encoding.UTF8.GetBytes(text);
        var current = _gateway.Services.GetRequiredService<CurrentSettings>();
        await using (var file = new FileStream(_settings.Path, FileMode.Truncate))
        {
            for (var at = 0; at < next.Length; at += 1_000)
            {
                await file.WriteAsync(next.Slice(at, Math.Min(1_000, next.Length - at)), Token);
                await file.FlushAsync(Token);
                await Task.Delay(TimeSpan.FromMilliseconds(80), TimeProvider.System, Token);
                current.Refused.ShouldBeNull("it is being written");
            }
        }

        await Eventually.BeAsync(() => current.Value.Number == 2, "it is applied");
        current.Refusals.ShouldBe(0);
    }

    [Theory]
    [InlineData("a key is revoked")]
    [InlineData("a tier is changed")]
    public async Task It_counts_within_a_second_when(string change)
    {
        const string Key = "studio-key-0123456789abcdef";
        _settings.Edit(text => text.Replace("\"DefaultTier\":", "\"Callers\": { \"studio\": { \"Key\": \"" + Key + "\", \"Tier\": \"free\" } }, \"DefaultTier\":", StringComparison.Ordinal));
        await Eventually.BeAsync(async () => (await AskAsync()).Header("X-Lumiku-Model-Served") == TestGateway.Schnell, "the new caller is served");

        var began = TimeProvider.System.GetTimestamp();
        _settings.Edit(text => change == "a key is revoked" ? text.Replace(Key, "another-key-0123456789abcdef", StringComparison.Ordinal) : text.Replace("\"Tier\": \"free\"", "\"Tier\": \"pro\"", StringComparison.Ordinal));
        await Eventually.BeAsync(async () => await AskAsync() is var answer && (change == "a key is revoked" ? answer.Status == HttpStatusCode.Unauthorized : answer.Header("X-Lumiku-Model-Served") == TestGateway.Dev), "it counts");

        Figures.Add("settings", $"{change}: counts after {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s (goal 5)");

        Task<Answer> AskAsync() => _gateway.GenerateAsync(TestGateway.Dev, Body, change: request => request.Headers.Authorization = new("Bearer", Key));
    }

    [Fact]
    public async Task A_route_that_yarp_cannot_build_changes_nothing()
    {
        await using var gateway = await TestGateway.StartWithAsync(_huggingFace, services => services.AddSingleton<ITransformProvider>(new ExplosiveTransform()), $"GATEWAY_SETTINGS={_settings.Path}");
        var current = gateway.Services.GetRequiredService<CurrentSettings>();

        _settings.Edit(text => text.Replace("\"Unlisted\": \"Allow\"", "\"Unlisted\": \"Deny\"", StringComparison.Ordinal).Replace("\"ImageAccept\": \"image/png\"", "\"ImageAccept\": \"image/webp\"", StringComparison.Ordinal));
        await Eventually.BeAsync(() => current.Refused is not null, "it is refused");

        await Eventually.BeAsync(() => current.Publishing is null, "the old ones are in force");
        current.Refused.ShouldNotBeNull().ShouldHaveSingleItem().ShouldStartWith("'ReverseProxy' was not taken by YARP: ");
        current.Value.Models.Find("stabilityai/stable-diffusion-2-1").ShouldNotBeNull("nothing of it was applied");
        (await gateway.GenerateAsync(TestGateway.Dev, Body)).Header("Content-Type").ShouldBe("image/png");
    }

    [Fact]
    public async Task A_new_route_transform_counts()
    {
        _settings.Edit(text => text.Replace("\"ImageAccept\": \"image/png\"", "\"ImageAccept\": \"image/webp\"", StringComparison.Ordinal));

        await Eventually.BeAsync(async () => (await _gateway.GenerateAsync(TestGateway.Dev, Body)).Header("Content-Type") == "image/webp", "webp is asked for");
    }

    [Theory]
    [InlineData("cut in half")]
    [InlineData("emptied")]
    [InlineData("deleted")]
    [InlineData("a wrong tier")]
    [InlineData("an unknown cluster")]
    [InlineData("no routes")]
    public async Task A_mistake_changes_nothing_is_told_and_can_be_undone(string mistake)
    {
        var good = await File.ReadAllTextAsync(_settings.Path, Token);
        Break(mistake, good);

        await Eventually.BeAsync(async () => (await ReadyAsync()).Contains("degraded", StringComparison.Ordinal), "the refusal is told");
        (await ServedAsync()).ShouldBe(TestGateway.Schnell);
        (await ReadyAsync()).ShouldContain("reasons");

        await File.WriteAllTextAsync(_settings.Path, good, Token);
        await Eventually.BeAsync(async () => await ReadyAsync() == """{"status":"ready"}""", "the file is good again");
        (await ServedAsync()).ShouldBe(TestGateway.Schnell);
    }

    [Fact]
    public async Task Renaming_a_credential_while_requests_run_never_sends_one_without_a_token()
    {
        using var done = new CancellationTokenSource();
        var asking = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                (await _gateway.GenerateAsync(TestGateway.Dev, Body, "pro", request => request.Headers.Add("X-Use-Cache", "false"))).ShouldBeAnImage();
            }
        })).ToArray();

        var name = "huggingface";
        foreach (var next in new[] { "second", "third", "fourth" })
        {
            var token = $"hf_TokenNumber{next}";
            _settings.Edit(text => text
                .Replace($"\"UpstreamCredential\": \"{name}\"", $"\"UpstreamCredential\": \"{next}\"", StringComparison.Ordinal)
                .Replace(name == "huggingface" ? "\"DefaultTier\":" : $"\"Credentials\": {{ \"{name}\": \"hf_TokenNumber{name}\" }},", $"\"Credentials\": {{ \"{next}\": \"{token}\" }},{(name == "huggingface" ? "\"DefaultTier\":" : "")}", StringComparison.Ordinal));
            await Eventually.BeAsync(() => _huggingFace.Received is [.., var last] && last.Header("Authorization") == $"Bearer {token}", "the new token is used");
            name = next;
        }

        await done.CancelAsync();
        await Task.WhenAll(asking);
        _huggingFace.Received.ShouldAllBe(request => request.Header("Authorization")!.StartsWith("Bearer hf_"));
    }

    /// <summary>Fails in building a route that asks for WebP; its check found nothing wrong.</summary>
    private sealed class ExplosiveTransform : ITransformProvider
    {
        public void ValidateRoute(TransformRouteValidationContext context)
        {
        }

        public void ValidateCluster(TransformClusterValidationContext context)
        {
        }

        public void Apply(TransformBuilderContext context)
        {
            if (context.Route.Transforms?.Any(transform => transform.GetValueOrDefault("ImageAccept") == "image/webp") == true)
            {
                throw new InvalidOperationException("It cannot be built.");
            }
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private void Break(string mistake, string good)
    {
        switch (mistake)
        {
            case "deleted":
                File.Delete(_settings.Path);
                break;
            case "emptied":
                File.WriteAllText(_settings.Path, "");
                break;
            case "cut in half":
                File.WriteAllText(_settings.Path, good[..(good.Length / 2)]);
                break;
            case "a wrong tier":
                File.WriteAllText(_settings.Path, good.Replace("\"DefaultTier\": \"free\"", "\"DefaultTier\": \"fre\"", StringComparison.Ordinal));
                break;
            case "an unknown cluster":
                File.WriteAllText(_settings.Path, good.Replace("\"ClusterId\": \"huggingface\"", "\"ClusterId\": \"hugingface\"", StringComparison.Ordinal));
                break;
            default:
                File.WriteAllText(_settings.Path, """{ "Tiers": { "free": {}, "internal": {} } }""");
                break;
        }
    }

    private async Task<string> ServedAsync() => (await _gateway.GenerateAsync(TestGateway.Dev, Body, "free")).Header("X-Lumiku-Model-Served");

    private async Task<string> ReadyAsync() => await _gateway.Client.GetStringAsync("/health/ready", Token);
}
