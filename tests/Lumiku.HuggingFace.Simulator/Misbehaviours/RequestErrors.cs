using System.Text.Json.Nodes;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Refusals that blame the request or the choice of model.</summary>
internal static class RequestErrors
{
    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Error("accept-not-supported", 400, AcceptTable.RefusalOf("application/json, text/plain, */*"), "the Accept header is not in the toolkit's table"),
        Error("unsupported-by-provider", 400, "Model not supported by provider {provider}", "the provider does not know the model"),
        Error(
            "not-supported-by-any-provider",
            400,
            "The requested model '{model}' is not supported by any provider you have enabled.",
            "no provider of the account knows the model"),
        Error("unknown-parameter", 400, "Unknown parameter(s): lora, lora_scale", "parameters were refused by name"),
        Error(
            "unexpected-keyword",
            400,
            "FluxPipeline.__call__() got an unexpected keyword argument '{0}'",
            "the pipeline has no such parameter",
            Parameter.Text("scheduler")),
        Error("multiple-values", 400, "FluxPipeline.__call__() got multiple values for argument 'prompt'", "the prompt was given twice"),
        Error("missing-inputs", 400, "Body needs to provide a inputs key, recieved: {}", "the body has no inputs"),
        Kind("error-array", "400: legacy validation, in which the error is an array.", AnswerArrayAsync),
        Kind("warnings", "400: a legacy error with a list of warnings beside it.", AnswerWarningsAsync),
        Error("not-found-json", 404, "Model {model} does not exist", "the model does not exist, told as JSON"),
        Kind("not-found", "404: the model is not deployed, in nine bytes of plain text.", (exchange, _) => exchange.AnswerNotFoundAsync()),
        Error(
            "deprecated", 410, "The requested model is deprecated and no longer supported by provider {provider}", "the provider gave the model up"),
        Error(
            "legacy-host-gone",
            410,
            "https://api-inference.huggingface.co is no longer supported. Please use https://router.huggingface.co/hf-inference instead.",
            "the old host's farewell"),
        Error(
            "legacy-host-gone-later",
            410,
            "https://api-inference.huggingface.co is no longer supported. Please use https://router.huggingface.co instead.",
            "the old host's farewell in its later wording"),
        Error("body-too-large", 413, "Payload too large", "the body exceeds the router's limit"),
        Error(
            "too-large-to-load",
            403,
            "The model {model} is too large to be loaded automatically (16GB > 10GB). Please use Spaces (https://huggingface.co/spaces) "
            + "or Inference Endpoints (https://huggingface.co/inference-endpoints).",
            "legacy refusal of a large model"),
    ];

    private static Task AnswerArrayAsync(Exchange exchange, Arguments arguments) => exchange.AnswerJsonAsync(
        StatusCodes.Status400BadRequest,
        new JsonObject { ["error"] = new JsonArray("Input should be a valid integer: received `x` in `parameters`") });

    private static Task AnswerWarningsAsync(Exchange exchange, Arguments arguments) => exchange.AnswerJsonAsync(
        StatusCodes.Status400BadRequest,
        new JsonObject
        {
            ["error"] = "unsupported operand type(s) for /: 'str' and 'int'",
            ["warnings"] = new JsonArray("There was an inference error: unsupported operand type(s) for /: 'str' and 'int'"),
        });
}
