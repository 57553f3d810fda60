using Lumiku.Gateway.Generation;

namespace Lumiku.Gateway;

/// <content>The closed list. Texts never quote a prompt, a key or a body.</content>
internal sealed partial record GatewayProblem
{
    /// <summary>Made-up patience where upstream says 429 without saying until when.</summary>
    private static readonly TimeSpan UnknownRateLimit = TimeSpan.FromSeconds(60);

    /// <summary>Where upstream is busy and says no more.</summary>
    private static readonly TimeSpan UnknownOverload = TimeSpan.FromSeconds(20);

    private const string RouteHint = "Inference is POST /models/{org}/{name}. Clients that take an endpointUrl use it as it is, so it must end in the model's id.";

    public static GatewayProblem MalformedBody(string problem) => new(400, "malformed-body", problem);

    public static GatewayProblem Unauthenticated() => new(
        401, "unauthenticated", "The gateway does not know this key. Send 'Authorization: Bearer <key>' with a caller's key or a valid, unexpired token.");

    /// <param name="takesBasic">Browsers are told to ask for a password.</param>
    public static GatewayProblem NotTheOperator(bool takesBasic) => new(
        401, "unauthenticated", "This is the operator's: send 'Authorization: Bearer <OPERATOR_KEY>'.")
    { Challenge = takesBasic ? "Basic realm=\"Lumiku Gateway\", charset=\"UTF-8\"" : "Bearer" };

    public static GatewayProblem TooManyFailedLogins(TimeSpan retryAfter) => new(
        429, "rate-limited", "Too many wrong keys from this address. A right key is served at any time.", RetryAfter: retryAfter);

    public static GatewayProblem ModelNotInTier(string model, string entitlement, string tier) => new(
        403, "model-not-in-tier", $"'{model}' needs the entitlement {entitlement}, which the tier '{tier}' does not have, and no other model stands in for it.");

    public static GatewayProblem UnknownRoute(PathString path) => ModelPath.IsBelowModels(path)
        ? new(404, "unknown-route", "This path names no model: an id is one or two segments of letters, digits, '.', '_' and '-'.", RouteHint)
        : new(404, "unknown-route", "There is nothing at this path.", RouteHint);

    public static GatewayProblem NotExplained() => new(
        404, "unknown-route", "Nothing can be told of a request with this id: either nothing is known of it, or it is older than 24 hours, or it is another caller's.");

    public static GatewayProblem ModelNotListed(string model) => new(404, "model-not-offered", $"'{model}' is not among the models that this gateway offers.");

    public static GatewayProblem MethodNotAllowed(string method, string allowed) => new(
        405, "method-not-allowed", $"{(method.Length <= 16 ? method : "This method")} is not allowed here; allowed: {allowed}.");

    public static GatewayProblem BodyTooLarge(int? limit) => new(
        413, "body-too-large", limit is null ? "The request body is larger than is taken." : $"The request body is larger than the {limit} bytes that are taken.");

    public static GatewayProblem UnsupportedMediaType(string? given) => new(
        415, "unsupported-media-type",
        given is null ? "The request has no Content-Type; send application/json." : "This Content-Type is not taken; send application/json in UTF-8, or the bytes of an image or sound as image/*, audio/* or application/octet-stream.");

    public static GatewayProblem UnsupportedEncoding() => new(
        415, "unsupported-media-type", "This Content-Encoding is not taken; send JSON as it is, or as gzip, br or deflate, and bytes as they are.");

    public static GatewayProblem UnknownTier(string tier, string known) => new(
        422, "unknown-tier", $"There is no tier of this name ({tier.Length} characters); the tiers are {known}.");

    public static GatewayProblem InvalidUser(int length) => new(
        422, "invalid-user", $"A user id is 1 to 128 visible ASCII characters without spaces and commas; this one has {length} characters.");

    public static GatewayProblem ParameterRefused(string problem) => new(422, "parameter-refused", problem);

    public static GatewayProblem RateLimited(int perMinute, int atOnce, TimeSpan retryAfter) => new(
        429, "rate-limited", $"Too many requests: {perMinute} a minute are taken, and {atOnce} in one go. Ask again after Retry-After.", RetryAfter: retryAfter);

    /// <summary>A limit of the route, which all callers share.</summary>
    public static GatewayProblem RouteLimited(TimeSpan retryAfter) => new(
        429, "rate-limited", "This route takes no more requests just now; it is not your own limit. Ask again after Retry-After.", RetryAfter: retryAfter);

    public static GatewayProblem TooManyAtOnce(int most, TimeSpan retryAfter) => new(
        429, "too-many-at-once", $"Too many requests at once: {most} may be under way. Wait for the answer to one of them.", RetryAfter: retryAfter);

    /// <summary>The user left so many generations behind that another one is not begun.</summary>
    public static GatewayProblem TooManyAbandoned(int most, TimeSpan retryAfter) => new(
        429, "too-many-at-once", $"{most} generations are under way that nobody waits for any more. Send one of those requests again to pick its image up, or wait for them to end.", RetryAfter: retryAfter);

    public static GatewayProblem QuotaExceeded(string period, int units, string freesAt, TimeSpan retryAfter) => new(
        429, "quota-exceeded", $"The units of this {period} are used up; this image needs {units}. There are more from {freesAt} on.", RetryAfter: retryAfter);

    /// <summary>For operators: what one replica alone would change would be lost.</summary>
    public static GatewayProblem CountsUnreachable() => new(
        502, "upstream-failed", "Redis, where limits are counted, did not answer; nothing was changed, as far as is known. Look, and try again.", RetryAfter: UnknownOverload);

    /// <param name="hasBegun">The purge is in Redis, so that every replica does it as soon as it can.</param>
    public static GatewayProblem PurgeUnfinished(bool hasBegun) => new(
        502, "upstream-failed",
        hasBegun ? "Redis did not answer to the end: no replica that reaches it serves these images any more, but some may still lie in Redis. Purge again; that does no harm."
            : "Redis, through which all replicas hear of a purge, did not answer; nothing was removed, as far as is known. Purge again; that does no harm.",
        RetryAfter: UnknownOverload);

    /// <summary>Waiting does not help, but every 429 says when to ask again: when the period is over, as the limit may be another by then.</summary>
    public static GatewayProblem QuotaTooSmall(int units, TimeSpan retryAfter) => new(
        429, "quota-exceeded", $"This image needs {units} units, which is more than the limit allows at all. Kept images still cost none; a new one needs another tier.", RetryAfter: retryAfter);

    /// <summary>The gateway's own limit for the model, not upstream's.</summary>
    public static GatewayProblem NoPlaceForModel(string model) => new(
        504, "upstream-overloaded", $"So many images are being made with '{model}' that this one's turn did not come in time. Ask again after Retry-After.", RetryAfter: UnknownOverload);

    public static GatewayProblem NoRoomForBody(TimeSpan retryAfter) => new(
        429, "too-many-at-once", "So many large requests are under way that the gateway has no memory for this one. Ask again after Retry-After.", RetryAfter: retryAfter);

    /// <summary>The image is being made for this request alone, and kept nowhere.</summary>
    public static GatewayProblem StillGeneratingForNobody(TimeSpan retryAfter) => new(
        504, "still-generating", "The image is still being generated, but as the request says no-store it is kept nowhere: asked again, it is made anew. Without no-store it can be picked up.",
        RetryAfter: retryAfter);

    public static GatewayProblem StillGenerating(TimeSpan retryAfter) => new(
        504, "still-generating", "The image is still being generated. Send the same request again.", RetryAfter: retryAfter);

    /// <summary>The drain limit is reached, and this replica ends.</summary>
    public static GatewayProblem StoppingBeforeAnswer() => new(
        504, "still-generating", "This gateway is restarted, and could not wait any longer for the image. Send the same request again: an image that was not finished is made anew, and cost no unit.",
        RetryAfter: TimeSpan.FromSeconds(1));

    public static GatewayProblem Internal() => new(500, "internal", "The gateway made a mistake; it is logged under this requestId.");

    /// <summary>Why upstream brought no image, in the caller's terms.</summary>
    public static GatewayProblem FromUpstream(UpstreamFailure failure, string model)
    {
        var problem = failure.Class switch
        {
            FailureClass.Loading => new(504, "model-loading", $"'{model}' is still being loaded upstream. Ask again after Retry-After.", RetryAfter: failure.ComeBackAfter ?? UnknownOverload),
            FailureClass.Overloaded => new(504, "upstream-overloaded", $"Upstream is too busy for '{model}' just now. Ask again after Retry-After.", RetryAfter: failure.ComeBackAfter ?? UnknownOverload),
            FailureClass.Timeout => new(504, "upstream-timeout", $"Upstream did not answer for '{model}' in time. The image may have been made and lost; ask again.", RetryAfter: failure.ComeBackAfter ?? UnknownOverload),
            FailureClass.RateLimited => new(429, "upstream-rate-limited", "Upstream limits this gateway's account; it is not your own limit. Ask again after Retry-After.", RetryAfter: failure.ComeBackAfter ?? UnknownRateLimit),
            FailureClass.Gone => new(404, "model-not-offered", $"'{model}' is not, or no longer, served by this upstream. Choose another model."),
            FailureClass.Account => new(502, "upstream-account", "Upstream refused the gateway's own account (token, permissions or credits). This is for the gateway's operator; asking again does not help."),
            FailureClass.ParameterRefused => new(422, "parameter-refused", $"'{model}' refused a parameter: {failure.Message}"),
            FailureClass.Refused => new(422, "upstream-refused", $"Upstream refused the request for '{model}'{Said(failure)}"),
            FailureClass.NotAnImage => new(502, "not-an-image", $"Upstream answered without a whole image: its answer {failure.Flaw}."),
            FailureClass.Unreachable => new(502, "upstream-failed", $"Upstream could not be reached, or broke off, for '{model}'. Ask again.", RetryAfter: UnknownOverload),
            _ => new GatewayProblem(502, "upstream-failed", $"Upstream failed for '{model}'{Said(failure)}"),
        };
        return failure.Status is { } status ? problem with { Upstream = new UpstreamError(status, failure.Message) } : problem;
    }

    /// <summary>A page is no sentence; it is told beside it.</summary>
    private static string Said(UpstreamFailure failure) => failure.Message is null or ['<', ..] ? $" with status {failure.Status}." : $": {failure.Message}";
}
