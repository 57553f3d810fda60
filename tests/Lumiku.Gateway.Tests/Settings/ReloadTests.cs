using System.Net;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Settings;

/// <summary>A change of the file counts within seconds; a mistake in it changes nothing.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private const string Body = """{"inputs":"a heron"}""";

    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("lumiku-settings-").FullName, "appsettings.json");

    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        File.Copy(TestGateway.UnlimitedSettings, _path);
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await TestGateway.StartAsync(_huggingFace, $"GATEWAY_SETTINGS={_path}");
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);
    }

    [Fact]
    public async Task A_new_entitlement_counts_for_requests_that_start_afterwards()
    {
        (await ServedAsync()).ShouldBe(TestGateway.Schnell);

        Write(text => text.Replace("\"free\": {", "\"free\": { \"Entitlements\": [ \"PRO\" ],", StringComparison.Ordinal));

        await Eventually.BeAsync(async () => await ServedAsync() == TestGateway.Dev, "the free tier has PRO");
    }

    [Fact]
    public async Task A_file_replaced_by_rename_counts()
    {
        var next = _path + ".next";
        await File.WriteAllTextAsync(next, (await File.ReadAllTextAsync(_path, Token)).Replace("\"Unlisted\": \"Allow\"", "\"Unlisted\": \"Deny\"", StringComparison.Ordinal), Token);

        File.Move(next, _path, overwrite: true);

        await Eventually.BeAsync(async () => (await _gateway.GenerateAsync("stabilityai/stable-diffusion-2-1", Body)).Status == HttpStatusCode.NotFound, "unlisted models are denied");
    }

    [Fact]
    public async Task A_new_route_transform_counts()
    {
        Write(text => text.Replace("\"ImageAccept\": \"image/png\"", "\"ImageAccept\": \"image/webp\"", StringComparison.Ordinal));

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
        var good = await File.ReadAllTextAsync(_path, Token);
        Break(mistake, good);

        await Eventually.BeAsync(async () => (await ReadyAsync()).Contains("degraded", StringComparison.Ordinal), "the refusal is told");
        (await ServedAsync()).ShouldBe(TestGateway.Schnell);
        (await ReadyAsync()).ShouldContain("reasons");

        await File.WriteAllTextAsync(_path, good, Token);
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
            Write(text => text
                .Replace($"\"UpstreamCredential\": \"{name}\"", $"\"UpstreamCredential\": \"{next}\"", StringComparison.Ordinal)
                .Replace(name == "huggingface" ? "\"DefaultTier\":" : $"\"Credentials\": {{ \"{name}\": \"hf_TokenNumber{name}\" }},", $"\"Credentials\": {{ \"{next}\": \"{token}\" }},{(name == "huggingface" ? "\"DefaultTier\":" : "")}", StringComparison.Ordinal));
            await Eventually.BeAsync(() => _huggingFace.Received is [.., var last] && last.Header("Authorization") == $"Bearer {token}", "the new token is used");
            name = next;
        }

        await done.CancelAsync();
        await Task.WhenAll(asking);
        _huggingFace.Received.ShouldAllBe(request => request.Header("Authorization")!.StartsWith("Bearer hf_"));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private void Break(string mistake, string good)
    {
        switch (mistake)
        {
            case "deleted":
                File.Delete(_path);
                break;
            case "emptied":
                File.WriteAllText(_path, "");
                break;
            case "cut in half":
                File.WriteAllText(_path, good[..(good.Length / 2)]);
                break;
            case "a wrong tier":
                File.WriteAllText(_path, good.Replace("\"DefaultTier\": \"free\"", "\"DefaultTier\": \"fre\"", StringComparison.Ordinal));
                break;
            case "an unknown cluster":
                File.WriteAllText(_path, good.Replace("\"ClusterId\": \"huggingface\"", "\"ClusterId\": \"hugingface\"", StringComparison.Ordinal));
                break;
            default:
                File.WriteAllText(_path, """{ "Tiers": { "free": {}, "internal": {} } }""");
                break;
        }
    }

    private void Write(Func<string, string> change)
    {
        var before = File.ReadAllText(_path);
        var after = change(before);
        after.ShouldNotBe(before);
        File.WriteAllText(_path, after);
    }

    private async Task<string> ServedAsync() => (await _gateway.GenerateAsync(TestGateway.Dev, Body, "free")).Header("X-Lumiku-Model-Served");

    private async Task<string> ReadyAsync() => await _gateway.Client.GetStringAsync("/health/ready", Token);
}
