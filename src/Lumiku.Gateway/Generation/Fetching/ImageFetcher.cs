using System.Buffers;
using System.Net;
using System.Security.Authentication;
using Lumiku.Gateway.ResponseCaching;

namespace Lumiku.Gateway.Generation.Fetching;

/// <summary>Fetches an image whose URL upstream answered with. The URL is a stranger's: it decides nothing but which image of a listed host.</summary>
/// <remarks>Asking again costs nothing but time here, so what may pass is tried again. Nothing is logged.</remarks>
/// <param name="time">For bounds and pauses; connections are bounded by the system's.</param>
internal sealed class ImageFetcher(FetchBounds bounds, FetchNetwork network, TimeProvider time, Random random) : IDisposable
{
    private static readonly string UserAgent = $"lumiku-gateway/{typeof(ImageFetcher).Assembly.GetName().Version?.ToString(3)}";

    private readonly HttpMessageInvoker _client = new(new GuardedConnections(network, bounds).CreateHandler());

    public ImageFetcher(TimeProvider time)
        : this(FetchBounds.Default, FetchNetwork.Default, time, Random.Shared)
    {
    }

    /// <param name="hosts">See <see cref="ImageHosts"/>.</param>
    /// <param name="limit">Bytes of an image at most.</param>
    /// <param name="deadline">The generation's own; a fetch has bounds besides.</param>
    /// <exception cref="OperationCanceledException">The deadline came.</exception>
    public async Task<FetchedImage> FetchAsync(string url, IReadOnlyList<string> hosts, int limit, CancellationToken deadline)
    {
        using var whole = new CancellationTokenSource(bounds.Whole, time);
        await using var link = deadline.UnsafeRegister(static whole => ((CancellationTokenSource)whole!).Cancel(), whole);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                var (fetched, mayPass) = await FollowAsync(url, hosts, limit, whole.Token);
                if (!mayPass || attempt == bounds.Attempts)
                {
                    return fetched;
                }

                await Task.Delay(random.Around(bounds.Pause * attempt), time, whole.Token);
            }
        }
        catch (OperationCanceledException) when (whole.IsCancellationRequested)
        {
            deadline.ThrowIfCancellationRequested();
            return new FetchedImage(Image: null, $"did not give its image within {bounds.Whole.TotalSeconds:0.#} s", FetchEnd.TimedOut);
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>One attempt, along redirects; each hop must keep all rules.</summary>
    private async Task<Attempt> FollowAsync(string url, IReadOnlyList<string> hosts, int limit, CancellationToken whole)
    {
        for (var redirects = 0; ; redirects++)
        {
            if (ImageAddress.Read(url, hosts, out var flaw) is not { } address)
            {
                return Attempt.Ended(FetchEnd.Forbidden, redirects == 0 ? flaw! : $"redirects to one that {flaw}");
            }

            var (attempt, next) = await AskAsync(address, limit, whole);
            if (attempt is not null)
            {
                return attempt;
            }

            if (redirects == bounds.Redirects)
            {
                return Attempt.Ended(FetchEnd.Forbidden, $"redirects more than {bounds.Redirects} times");
            }

            url = next!;
        }
    }

    /// <returns>Where to go on, or what came of it.</returns>
    private async Task<(Attempt? Attempt, string? Next)> AskAsync(Uri address, int limit, CancellationToken whole)
    {
        using var silence = new CancellationTokenSource(bounds.Silence, time);
        await using var link = whole.UnsafeRegister(static silence => ((CancellationTokenSource)silence!).Cancel(), silence);
        var host = address.IdnHost;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.TryAddWithoutValidation("Accept", "image/png, image/jpeg, image/webp");
            request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
            using var answer = await _client.SendAsync(request, silence.Token);
            return Redirection.Of(answer, address) is { } next ? (null, next) : (await ReadAsync(answer, host, limit, silence), null);
        }
        catch (OperationCanceledException) when (!whole.IsCancellationRequested)
        {
            return (silence.IsCancellationRequested
                ? Attempt.Broken($"gave nothing for {bounds.Silence.TotalSeconds:0.#} s at {host}", FetchEnd.TimedOut)
                : Attempt.Broken($"had no connection to {host} within {bounds.Connect.TotalSeconds:0.#} s"), null);
        }
        catch (HttpRequestException exception)
        {
            return (Attempt.Of(exception, host, bounds), null);
        }
        catch (IOException)
        {
            return (Attempt.Broken($"broke off at {host}"), null);
        }
    }

    private async Task<Attempt> ReadAsync(HttpResponseMessage answer, string host, int limit, CancellationTokenSource silence)
    {
        if (answer.StatusCode != HttpStatusCode.OK)
        {
            return Attempt.Of(answer.StatusCode, host);
        }

        if (answer.Content.Headers.NonValidated.Contains("Content-Encoding"))
        {
            return Attempt.Ended(FetchEnd.Failed, $"gave something compressed at {host}, which nobody asked for");
        }

        var announced = answer.Content.Headers.ContentLength;
        if (announced > limit)
        {
            return Attempt.TooLarge(limit);
        }

        var image = new ImageBuffer(limit);
        var isWhole = false;
        try
        {
            await using var body = await answer.Content.ReadAsStreamAsync(silence.Token);
            await FillAsync(image, body, (int)(announced ?? 0), silence);
            isWhole = image.Length > 0;
            return isWhole ? new Attempt(new FetchedImage(image, Flaw: null, FetchEnd.Done), MayPass: false) : Attempt.Broken($"gave nothing at {host}");
        }
        catch (IOException) when (image.IsTooLarge)
        {
            return Attempt.TooLarge(limit);
        }
        finally
        {
            if (!isWhole)
            {
                image.GiveBack();
            }
        }
    }

    private async Task FillAsync(ImageBuffer image, Stream body, int announced, CancellationTokenSource silence)
    {
        var part = ArrayPool<byte>.Shared.Rent(32 * 1024);
        try
        {
            while (await body.ReadAsync(part, silence.Token) is > 0 and var read)
            {
                image.Append(part.AsSpan(0, read), Math.Max(0, announced - image.Length));
                silence.CancelAfter(bounds.Silence);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(part);
        }
    }

    /// <param name="MayPass">Another attempt may fare better.</param>
    private sealed record Attempt(FetchedImage Fetched, bool MayPass)
    {
        public static Attempt Ended(FetchEnd end, string flaw) => new(new FetchedImage(Image: null, flaw, end), MayPass: false);

        public static Attempt Broken(string flaw, FetchEnd end = FetchEnd.Failed) => new(new FetchedImage(Image: null, flaw, end), MayPass: true);

        public static Attempt TooLarge(int limit) => Ended(FetchEnd.TooLarge, $"gave more than {limit} bytes");

        public static Attempt Of(HttpStatusCode status, string host)
        {
            var flaw = $"was answered with {(int)status} by {host}";
            return status switch
            {
                HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.Gone => Ended(FetchEnd.Gone, flaw),
                HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError => Broken(flaw),
                _ => Ended(FetchEnd.Failed, flaw),
            };
        }

        public static Attempt Of(HttpRequestException exception, string host, FetchBounds bounds) => (exception.HttpRequestError, exception.InnerException) switch
        {
            (_, ForbiddenAddressException) => Ended(FetchEnd.Forbidden, $"lies at the host {host}, whose address is not public"),
            (_, AuthenticationException) => Ended(FetchEnd.Failed, $"lies at the host {host}, whose certificate is not good for it"),
            (HttpRequestError.ConfigurationLimitExceeded, _) => Ended(FetchEnd.Failed, $"was answered by {host} with more than {bounds.HeaderKilobytes} kB of headers"),
            (HttpRequestError.NameResolutionError, _) => Broken($"lies at the host {host}, which DNS does not know"),
            (HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError, _) => Broken($"had no connection to {host}"),
            _ => Broken($"broke off at {host}"),
        };
    }
}
