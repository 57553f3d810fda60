using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Tests.Support;
using Lumiku.HuggingFace.Simulator;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Settings;

/// <summary>A seeded mutator breaks the shipped file in every way that a hand, an editor or a disk can; under load nobody notices, and each is told with its key.</summary>
public sealed partial class BrokenFilesTests : IAsyncLifetime
{
    private const string Body = """{"inputs":"a heron"}""";

    /// <summary>500 with <c>test.sh --long</c>.</summary>
    private static readonly int Files = LongRun.IsOn ? 500 : 28;

    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("lumiku-broken-").FullName, "appsettings.json");
    private readonly string _good = File.ReadAllText(TestGateway.UnlimitedSettings);
    private readonly Random _random = new(20261124);
    private readonly ConcurrentQueue<string> _lost = [];
    private readonly CancellationTokenSource _done = new();

    private HuggingFaceSimulator _huggingFace = null!;
    private TestGateway _gateway = null!;
    private int _asked;

    private CurrentSettings Current => _gateway.Services.GetRequiredService<CurrentSettings>();

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_path, _good);
        _huggingFace = await HuggingFaceSimulator.StartAsync();
        _gateway = await TestGateway.StartAsync(_huggingFace, $"GATEWAY_SETTINGS={_path}");
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _huggingFace.DisposeAsync();
        _done.Dispose();
        Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);
    }

    [Fact]
    public async Task None_is_applied_each_is_told_within_a_second_and_no_request_is_lost()
    {
        var load = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(AskAsync)));
        var (slowest, applied, untold, unnamed) = (TimeSpan.Zero, new List<string>(), new List<string>(), new List<string>());
        var stillValid = 0;
        for (var i = 0; i < Files; i++)
        {
            var (kind, text, isSurelyBroken) = Mutate(i);
            var before = Current.Value;
            var began = TimeProvider.System.GetTimestamp();
            await File.WriteAllTextAsync(_path, text, Token);
            await WaitAsync(() => Current.Refused is not null || Current.Value != before);
            var took = TimeProvider.System.GetElapsedTime(began);
            slowest = took > slowest ? took : slowest;

            if (Current.Value != before)
            {
                (isSurelyBroken ? applied : []).Add($"{kind}: {i}");
                stillValid++;
            }
            else if (Current.Refused is not { } refused)
            {
                untold.Add($"{kind}: {i}");
            }
            else if (refused.Count == 0 || !refused.All(IsKeyNamed))
            {
                unnamed.Add($"{kind}: {i}: {string.Join(" / ", refused)}");
            }

            before = Current.Value;
            await File.WriteAllTextAsync(_path, _good, Token);
            await WaitAsync(() => Current.Refused is null && GoodAgain(before));
        }

        await _done.CancelAsync();
        await load;
        Figures.Add("settings", string.Create(
            CultureInfo.InvariantCulture,
            $"{Files} broken files under load: {applied.Count} applied, {untold.Count} untold, {unnamed.Count} without a key, slowest told after {slowest.TotalSeconds:0.00} s (goal 1); {stillValid} were still valid and applied; {_lost.Count} of {_asked} requests lost"));
        applied.ShouldBeEmpty();
        untold.ShouldBeEmpty();
        unnamed.ShouldBeEmpty();
        _lost.ShouldBeEmpty();
        Current.Refused.ShouldBeNull();
    }

    /// <summary>In quotes, a path that begins with a setting; or a name that is none, where one should be; or the last key before the text is no JSON any more.</summary>
    private static bool IsKeyNamed(string mistake) => BehindKey().IsMatch(mistake) || QuotedKey().Matches(mistake).Any(key => SettingsSchema.Root.Member(key.Groups[1].Value.Split(':')[0]) is not null || mistake.Contains("is not a setting", StringComparison.Ordinal));

    private bool GoodAgain(GatewaySettings before) => Current.Value == before ? _gateway.Services.GetRequiredService<GatewayConfiguration>().FileContent.AsSpan().SequenceEqual(System.Text.Encoding.UTF8.GetBytes(_good)) : true;

    private (string Kind, string Text, bool IsSurelyBroken) Mutate(int number)
    {
        var lines = _good.Split('\n');
        string[] keys = [.. PropertyName().Matches(_good).Select(match => match.Groups[1].Value).Where(name => SettingLike().IsMatch(name)).Distinct()];
        switch (number % 7)
        {
            case 0:
                return ("cut", _good[.._random.Next(1, _good.TrimEnd().Length - 1)], true);
            case 1:
                var key = keys[_random.Next(keys.Length)];
                var at = _random.Next(key.Length);
                return ("mistyped", _good.Replace($"\"{key}\":", $"\"{key[..at]}q{key[(at + 1)..]}\":", StringComparison.Ordinal), true);
            case 2:
                var values = Value().Matches(_good);
                var value = values[_random.Next(values.Count)];
                string[] others = ["{ \"a\": { \"b\": 1 } }", "[ [ 1 ] ]", "\"\u0000never\"", "{ \"0\": true }"];
                return ("wrong type", _good[..value.Groups[2].Index] + others[_random.Next(others.Length)].Replace("\u0000", "", StringComparison.Ordinal) + _good[(value.Groups[2].Index + value.Groups[2].Length)..], false);
            case 3:
                var doubled = Enumerable.Range(0, lines.Length).Where(i => OwnLine().IsMatch(lines[i])).ToArray();
                var twice = doubled[_random.Next(doubled.Length)];
                return ("duplicate", string.Join('\n', [.. lines[..twice], lines[twice].TrimEnd().TrimEnd(',') + ",", .. lines[twice..]]), true);
            case 4:
                var numbers = Number().Matches(_good);
                var number4 = numbers[_random.Next(numbers.Count)].Groups[1];
                string[] hostile = ["1e999", "-1", "99999999999999999999999", "0.5e-7", "-0.0001", "1E+2147483648"];
                return ("hostile number", _good[..number4.Index] + hostile[_random.Next(hostile.Length)] + _good[(number4.Index + number4.Length)..], true);
            case 5:
                var (one, other) = (_random.Next(_good.Length - 40), _random.Next(_good.Length - 40));
                (one, other) = (Math.Min(one, other), Math.Max(one, other));
                return ("swapped", other - one < 40 ? _good[..one] : _good[..one] + _good[other..(other + 40)] + _good[(one + 40)..other] + _good[one..(one + 40)] + _good[(other + 40)..], false);
            default:
                var characters = _good.ToCharArray();
                for (var i = 0; i < 3; i++)
                {
                    characters[_random.Next(characters.Length)] = (char)_random.Next(1, 0xD7FF);
                }

                return ("noise", new string(characters), false);
        }
    }

    private async Task AskAsync()
    {
        while (!_done.IsCancellationRequested)
        {
            Interlocked.Increment(ref _asked);
            var answer = await _gateway.GenerateAsync(TestGateway.Sd3, Body, "internal");
            // A mutation that is still valid may well take away what is asked for; anything else is a loss.
            if (answer.Status is not (HttpStatusCode.OK or HttpStatusCode.NotFound or HttpStatusCode.UnprocessableEntity or HttpStatusCode.TooManyRequests or HttpStatusCode.Forbidden))
            {
                _lost.Enqueue($"{(int)answer.Status} {answer.Error}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, Token);
        }
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        for (var i = 0; i < 3_000 && !condition(); i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Token);
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [GeneratedRegex("is not valid JSON at line \\d+, column \\d+, behind '[^'{]+'")]
    private static partial Regex BehindKey();

    [GeneratedRegex("'([^']+)'")]
    private static partial Regex QuotedKey();

    [GeneratedRegex("\"([^\"]+)\":")]
    private static partial Regex PropertyName();

    /// <summary>A setting's own name: not a tier, a model, a route or a parameter, which operators choose.</summary>
    [GeneratedRegex("^(Tiers|Models|Catalog|Routes|Clusters|Match|Path|ClusterId|Destinations|HttpRequest|ActivityTimeout|Units|CacheFor|Parameters|Remove|MultipleOf|Generation|WaitLimit|Deadline|Breaker|Window|Cache|Scope|MemoryBytes|Limits|ImageBytes|Network|TrustedProxies|Quota|TimeZone|Redis|ExpectedReplicas)$")]
    private static partial Regex SettingLike();

    [GeneratedRegex("\"([A-Z][A-Za-z]+)\": (\"[^\"]*\"|-?[0-9.]+|true|false)")]
    private static partial Regex Value();

    [GeneratedRegex("^\\s+\"[A-Za-z]+\": (\"[^\"]*\"|[0-9.]+),?\\s*$")]
    private static partial Regex OwnLine();

    [GeneratedRegex("\"(?:AbandonedPerUser|MinimumGenerations|MemoryBytes|ExpectedReplicas|RequestBodyBytes|BufferedBytes|ImageBytes|FailedLoginsPerMinute)\": ([0-9]+)")]
    private static partial Regex Number();
}
