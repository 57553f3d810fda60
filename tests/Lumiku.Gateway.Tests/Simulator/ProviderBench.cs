using System.Net.Http.Json;
using System.Text.Json;
using Lumiku.HuggingFace.Simulator;
using Shouldly;
using Xunit;

namespace Lumiku.Gateway.Tests.Simulator;

/// <summary>A simulator, asked over the wire by each provider's paths.</summary>
internal sealed class ProviderBench : IAsyncDisposable
{
    /// <summary>A good request to each provider, in each of its forms.</summary>
    public static TheoryData<string, string> Requests => new()
    {
        { "nscale/v1/images/generations", """{"model":"black-forest-labs/FLUX.1-schnell","prompt":"a heron","size":"320x256","seed":1}""" },
        { "together/v1/images/generations", """{"model":"black-forest-labs/FLUX.1-schnell","prompt":"a heron","width":320,"height":256,"seed":1,"response_format":"base64"}""" },
        { "together/v1/images/generations", """{"model":"black-forest-labs/FLUX.1-schnell","prompt":"a heron","width":320,"height":256,"seed":1,"response_format":"url"}""" },
        { "fal-ai/fal-ai/flux/dev", """{"prompt":"a heron","image_size":{"width":320,"height":256},"seed":1,"sync_mode":true}""" },
        { "fal-ai/fal-ai/flux/dev", """{"prompt":"a heron","image_size":{"width":320,"height":256},"seed":1}""" },
        { "fal-ai/fal-ai/flux/dev?_subdomain=queue", """{"prompt":"a heron","image_size":{"width":320,"height":256},"seed":1}""" },
        { "replicate/v1/models/black-forest-labs/flux-dev/predictions", """{"input":{"prompt":"a heron","aspect_ratio":"5:4","seed":1}}""" },
        { "replicate/v1/predictions", """{"version":"7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc","input":{"prompt":"a heron","width":320,"height":256,"seed":1}}""" },
        { "wavespeed/api/v3/wavespeed-ai/flux-dev", """{"prompt":"a heron","size":"320*256","seed":1}""" },
    };

    private ProviderBench(HuggingFaceSimulator huggingFace)
    {
        HuggingFace = huggingFace;
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = huggingFace.RouterAddress, Timeout = TimeSpan.FromSeconds(30) };
        Client.DefaultRequestHeaders.Authorization = new("Bearer", "hf_token");
    }

    public HuggingFaceSimulator HuggingFace { get; }

    public HttpClient Client { get; }

    public static async Task<ProviderBench> StartAsync() => new(await HuggingFaceSimulator.StartAsync());

    public async Task<JsonElement> AskAsync(string path, string body, int status = 200, string? prefer = "wait")
    {
        using var response = await SendAsync(path, body, prefer);
        ((int)response.StatusCode).ShouldBe(status);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    public Task<HttpResponseMessage> SendAsync(string path, string body, string? prefer = "wait")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, mediaType: new("application/json")) };
        if (prefer is not null)
        {
            request.Headers.Add("Prefer", prefer);
        }

        return Client.SendAsync(request);
    }

    /// <summary>The answer to a poll, of whatever status.</summary>
    public async Task<(int Status, JsonElement Json)> PollAsync(string path)
    {
        using var response = await Client.GetAsync(path);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    /// <summary>Follows whatever the answer of a good request asks for, up to the first picture's bytes.</summary>
    public async Task<byte[]> CollectAsync(string path, string body)
    {
        using var response = await SendAsync(path, body);
        ((int)response.StatusCode).ShouldBeInRange(200, 201);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        if (path.EndsWith("_subdomain=queue", StringComparison.Ordinal))
        {
            answer = (await PollAsync($"fal-ai{new Uri(answer.GetProperty("response_url").GetString()!).AbsolutePath}?_subdomain=queue")).Json;
        }
        else if (path.StartsWith("wavespeed", StringComparison.Ordinal))
        {
            answer = (await PollAsync($"wavespeed{new Uri(answer.GetProperty("data").GetProperty("urls").GetProperty("get").GetString()!).AbsolutePath}")).Json;
        }

        return await DownloadAsync(PictureIn(answer));
    }

    /// <summary>An address, a data: URL or base64.</summary>
    public static string PictureIn(JsonElement answer) => answer switch
    {
        _ when answer.TryGetProperty("images", out var images) => images[0].GetProperty("url").GetString()!,
        _ when answer.TryGetProperty("output", out var output) => (output.ValueKind == JsonValueKind.Array ? output[0] : output).GetString()!,
        _ when answer.GetProperty("data") is { ValueKind: JsonValueKind.Object } data => data.GetProperty("outputs")[0].GetString()!,
        _ => answer.GetProperty("data")[0].EnumerateObject().Last().Value.GetString()!,
    };

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await HuggingFace.DisposeAsync();
    }

    private static async Task<byte[]> DownloadAsync(string picture)
    {
        if (picture.StartsWith("http", StringComparison.Ordinal))
        {
            using var anonymous = new HttpClient();
            return await anonymous.GetByteArrayAsync(picture);
        }

        return Convert.FromBase64String(picture[(picture.IndexOf(',', StringComparison.Ordinal) + 1)..]);
    }
}
