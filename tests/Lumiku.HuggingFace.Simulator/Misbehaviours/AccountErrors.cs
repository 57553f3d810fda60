using System.Text.Json.Nodes;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Refusals that blame the account behind the token.</summary>
internal static class AccountErrors
{
    private const string Depleted =
        "You have depleted your monthly included credits. Purchase pre-paid credits to continue using Inference Providers. "
        + "Alternatively, subscribe to PRO to get 20x more included usage/credits.";

    private const string RateLimit =
        "Rate limit reached. You reached free usage limit (reset hourly). "
        + "Please subscribe to a plan at https://huggingface.co/pricing to use the API at this rate";

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Error("token-seems-invalid", 400, "Authorization header is correct, but the token seems invalid", "legacy answer to a bad token"),
        Error("invalid-login", 401, "Invalid username or password.", "no token, or one that was revoked"),
        Error("invalid-token", 401, "Invalid credentials in Authorization header", "a token that is none"),
        Error(
            "credits-exceeded",
            402,
            "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.",
            "the month's credits are spent"),
        Error("credits-depleted", 402, Depleted, "the month's credits are spent, in the wording of 2026"),
        Kind("credits-object", "402: the month's credits are spent, and the error is an object with a message.", AnswerCreditsObjectAsync),
        Error("pay-as-you-go", 402, "Pay-as-you go is not enabled for provider fal-ai yet.", "the account may not pay for what it uses"),
        Error(
            "token-scope",
            403,
            "This authentication method does not have sufficient permissions to call Inference Providers on behalf of user lumiku",
            "the token lacks a permission"),
        Error(
            "pro-required",
            403,
            "Model requires a Pro subscription; check out hf.co/pricing to learn more. Make sure to include your HF token in your query.",
            "the model is for PRO accounts"),
        Error("pro-required-400", 400, "Model requires a Pro subscription", "the same in the wording and status of 2023"),
        Error("rate-limited", 429, RateLimit, "rate limit, without Retry-After"),
        Kind("rate-limited-retry-after", "429: rate limit, with Retry-After in seconds.", AnswerRetryAfterAsync, Parameter.Number("2")),
    ];

    private static Task AnswerCreditsObjectAsync(Exchange exchange, Arguments arguments) => exchange.AnswerJsonAsync(
        StatusCodes.Status402PaymentRequired,
        new JsonObject { ["error"] = new JsonObject { ["message"] = Depleted } });

    private static Task AnswerRetryAfterAsync(Exchange exchange, Arguments arguments)
    {
        exchange.Context.Response.Headers.RetryAfter = arguments.Text(0);
        return exchange.AnswerErrorAsync(StatusCodes.Status429TooManyRequests, RateLimit);
    }
}
