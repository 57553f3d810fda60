using System.Globalization;
using System.Net.Http.Headers;
using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.Generation.Images;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ResponseCaching.Purging;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.Generation;

/// <summary>Makes an image, or a failure with a class, of what an attempt brought back.</summary>
internal static class UpstreamAnswerReader
{
    /// <summary>Upstream's headers that callers are shown; all others stay here.</summary>
    public static readonly string[] ShownHeaders = ["x-compute-time", "x-compute-type", "x-inference-id"];

    /// <summary>Upstream's headers that are read here and not shown.</summary>
    public static readonly string[] ReadHeaders = ["Retry-After", "Date"];

    /// <summary>What a generation takes of upstream's headers.</summary>
    public static readonly string[] TakenHeaders = [.. ShownHeaders, .. ReadHeaders];

    /// <summary>The failure that an answer's status tells of, or that there was none.</summary>
    /// <returns>Null: it is a success, as far as its status says.</returns>
    public static UpstreamFailure? FailureOf(UpstreamCall call, UpstreamAnswer answer, GatewaySettings settings, IReadOnlyList<FailureRule> dialects)
    {
        if (answer.Error != ForwarderError.None)
        {
            return new UpstreamFailure(ClassOf(answer.Error, answer.NeverLeft), Status: null, Repeat: answer.NeverLeft ? RepeatRule.Soon : RepeatRule.Never);
        }

        if (answer.IsTooLarge)
        {
            return new UpstreamFailure(FailureClass.NotAnImage, answer.StatusCode, Flaw: $"is larger than {settings.Limits.ImageBytes} bytes (Limits:ImageBytes)");
        }

        var isGood = call.GivesImage ? answer.StatusCode == StatusCodes.Status200OK : answer.StatusCode is StatusCodes.Status200OK or StatusCodes.Status201Created or StatusCodes.Status202Accepted;
        return isGood ? null : FailureOf(answer, settings, $"has the status {answer.StatusCode} and no image", dialects);
    }

    /// <summary>The image in a buffer, which is the image's from then on.</summary>
    /// <param name="maker">The id of the model, and the name of the upstream, that made it.</param>
    /// <returns>A flaw, where it is no whole image: the rest of a sentence about it.</returns>
    public static (ImageLease? Image, string? Flaw) ImageOf(ImageBuffer buffer, IHeaderDictionary headers, (string Model, string Upstream) maker, ImageOrigin origin)
    {
        // We ask for no coding, so a coded answer is a label gone wrong; its bytes decide all the same.
        var content = buffer.Content;
        var facts = ImageInspector.Inspect(content);
        return facts.MediaType is not { } mediaType ? (null, facts.Flaw)
            : (new ImageLease(
                new GeneratedImage(maker.Model, content, mediaType, facts.Width, facts.Height, ImageETag.Of(content), Shown(headers), buffer.HeldBytes) { Origin = origin, Upstream = maker.Upstream }, buffer), null);
    }

    /// <summary>The failure in an answer's status and words.</summary>
    /// <param name="dialects">The rules of the dialect that upstream speaks.</param>
    public static UpstreamFailure FailureOf(UpstreamAnswer answer, GatewaySettings settings, string flaw, IReadOnlyList<FailureRule> dialects) =>
        FailureOf(UpstreamMessage.From(answer.Body), answer, settings, flaw, dialects);

    /// <summary>The same where the words are somewhere else in the answer.</summary>
    public static UpstreamFailure FailureOf(UpstreamMessage message, UpstreamAnswer answer, GatewaySettings settings, string flaw, IReadOnlyList<FailureRule> dialects)
    {
        var (kind, repeat) = FailureRules.Classify(answer.StatusCode, $"{message.Text} {message.Kind}", settings.Generation.FailureRules, dialects);
        return new UpstreamFailure(
            kind, answer.StatusCode, SecretMask.Apply(message.Text, settings.KnownSecrets), RetryAfter(answer.Headers),
            kind == FailureClass.NotAnImage ? flaw : null, message.EstimatedTime, repeat);
    }

    /// <summary>No connection came about, so nothing was sent: the model surely did not run.</summary>
    /// <remarks>An expired ConnectTimeout looks like a request that was let go, with the reason inside.</remarks>
    public static bool NeverLeft(Exception? exception) => exception
        is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError }
        or OperationCanceledException { InnerException: TimeoutException };

    /// <summary>YARP's reasons. Timeouts are those of the cluster's ActivityTimeout and of our own deadline; to it, that of connecting is one too.</summary>
    public static FailureClass ClassOf(ForwarderError error, bool neverLeft) => error switch
    {
        _ when neverLeft => FailureClass.Unreachable,
        ForwarderError.RequestTimedOut or ForwarderError.RequestCanceled or ForwarderError.RequestBodyCanceled or ForwarderError.ResponseBodyCanceled => FailureClass.Timeout,
        _ => FailureClass.Unreachable,
    };

    private static List<KeyValuePair<string, string>> Shown(IHeaderDictionary headers) =>
        [.. ShownHeaders.Where(headers.ContainsKey).Select(name => KeyValuePair.Create(name, headers[name].ToString()))];

    /// <summary>Seconds, or a date, which counts from upstream's own.</summary>
    private static TimeSpan? RetryAfter(IHeaderDictionary headers)
    {
        if (!RetryConditionHeaderValue.TryParse(headers.RetryAfter, out var value))
        {
            return null;
        }

        var delay = value.Delta ?? (DateTimeOffset.TryParse(headers.Date, CultureInfo.InvariantCulture, out var now) ? value.Date - now : null);
        return delay > TimeSpan.Zero ? delay : null;
    }
}
