using System.Globalization;
using System.Net.Http.Headers;
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

    /// <param name="model">The id of the model that was asked.</param>
    public static (ImageLease? Image, UpstreamFailure? Failure) Read(UpstreamAnswer answer, string model, ImageOrigin origin, GatewaySettings settings)
    {
        if (answer.Error != ForwarderError.None)
        {
            return (null, new UpstreamFailure(ClassOf(answer.Error), Status: null, Repeat: answer.NeverLeft ? RepeatRule.Soon : RepeatRule.Never));
        }

        if (answer.IsTooLarge)
        {
            return (null, new UpstreamFailure(FailureClass.NotAnImage, answer.StatusCode, Flaw: $"is larger than {settings.Limits.ImageBytes} bytes (Limits:ImageBytes)"));
        }

        if (answer.StatusCode != StatusCodes.Status200OK)
        {
            return (null, FailureOf(answer, settings, $"has the status {answer.StatusCode} and no image"));
        }

        // We ask for no coding, so a coded answer is a label gone wrong; its bytes decide all the same.
        var facts = ImageInspector.Inspect(answer.Body);
        return facts.MediaType is { } mediaType
            ? (new ImageLease(
                new GeneratedImage(model, answer.Body, mediaType, facts.Width, facts.Height, ImageETag.Of(answer.Body), Shown(answer.Headers), answer.Buffer!.HeldBytes) { Origin = origin }, answer.Buffer), null)
            : (null, FailureOf(answer, settings, facts.Flaw!));
    }

    /// <summary>The failure in an answer's status and words.</summary>
    public static UpstreamFailure FailureOf(UpstreamAnswer answer, GatewaySettings settings, string flaw)
    {
        var message = UpstreamMessage.From(answer.Body);
        var (kind, repeat) = FailureRules.Classify(answer.StatusCode, message.Text, settings.Generation.FailureRules);
        return new UpstreamFailure(
            kind, answer.StatusCode, SecretMask.Apply(message.Text, settings.KnownSecrets), RetryAfter(answer.Headers),
            kind == FailureClass.NotAnImage ? flaw : null, message.EstimatedTime, repeat);
    }

    /// <summary>YARP's reasons. Timeouts are those of the cluster's ActivityTimeout and of our own deadline.</summary>
    public static FailureClass ClassOf(ForwarderError error) => error switch
    {
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
