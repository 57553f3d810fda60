namespace Lumiku.HuggingFace.Simulator;

/// <content>The errors of the catalogue. What each does is in its kind's description.</content>
public sealed partial record Misbehaviour
{
    public static Misbehaviour AcceptNotSupported => Of("accept-not-supported");

    public static Misbehaviour UnsupportedByProvider => Of("unsupported-by-provider");

    public static Misbehaviour NotSupportedByAnyProvider => Of("not-supported-by-any-provider");

    public static Misbehaviour UnknownParameter => Of("unknown-parameter");

    public static Misbehaviour UnexpectedKeyword(string name = "scheduler") => Of("unexpected-keyword", name);

    public static Misbehaviour MultipleValues => Of("multiple-values");

    public static Misbehaviour MissingInputs => Of("missing-inputs");

    public static Misbehaviour ErrorArray => Of("error-array");

    public static Misbehaviour Warnings => Of("warnings");

    public static Misbehaviour NotFoundJson => Of("not-found-json");

    public static Misbehaviour NotFound => Of("not-found");

    public static Misbehaviour Deprecated => Of("deprecated");

    public static Misbehaviour LegacyHostGone => Of("legacy-host-gone");

    public static Misbehaviour LegacyHostGoneLater => Of("legacy-host-gone-later");

    public static Misbehaviour BodyTooLarge => Of("body-too-large");

    public static Misbehaviour TooLargeToLoad => Of("too-large-to-load");

    public static Misbehaviour TokenSeemsInvalid => Of("token-seems-invalid");

    public static Misbehaviour InvalidLogin => Of("invalid-login");

    public static Misbehaviour InvalidToken => Of("invalid-token");

    public static Misbehaviour CreditsExceeded => Of("credits-exceeded");

    public static Misbehaviour CreditsDepleted => Of("credits-depleted");

    public static Misbehaviour CreditsObject => Of("credits-object");

    public static Misbehaviour PayAsYouGo => Of("pay-as-you-go");

    public static Misbehaviour TokenScope => Of("token-scope");

    public static Misbehaviour ProRequired => Of("pro-required");

    public static Misbehaviour ProRequired400 => Of("pro-required-400");

    public static Misbehaviour RateLimited => Of("rate-limited");

    public static Misbehaviour RateLimitedRetryAfter(int seconds = 2) => Of("rate-limited-retry-after", seconds);

    public static Misbehaviour CudaOutOfMemory => Of("cuda-out-of-memory");

    public static Misbehaviour CudaOutOfMemory500 => Of("cuda-out-of-memory-500");

    public static Misbehaviour TooBusy(int seconds = 60) => Of("too-busy", seconds);

    public static Misbehaviour Empty500 => Of("empty-500");

    public static Misbehaviour BadGateway => Of("bad-gateway");

    public static Misbehaviour Loading(int seconds = 20) => Of("loading", seconds);

    public static Misbehaviour Loading200(int seconds = 20) => Of("loading-200", seconds);

    public static Misbehaviour Overload => Of("overload");

    public static Misbehaviour UnavailableHtml => Of("unavailable-html");

    public static Misbehaviour GatewayTimeout => Of("gateway-timeout");
}
