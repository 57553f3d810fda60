using System.Text.Json.Nodes;

using static Lumiku.HuggingFace.Simulator.Misbehaviours.KindCatalogue;

namespace Lumiku.HuggingFace.Simulator.Misbehaviours;

/// <summary>Failures of the service itself, most of which pass.</summary>
internal static class ServerErrors
{
    private const string OutOfMemory =
        "CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 14.76 GiB total capacity; 13.51 GiB already allocated)";

    private const string UnavailablePage =
        "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"
        + "<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n";

    public static IReadOnlyList<MisbehaviourKind> Kinds { get; } =
    [
        Error("cuda-out-of-memory", 400, OutOfMemory, "the GPU is full, under the status that the toolkit gives every exception"),
        Kind("cuda-out-of-memory-500", "500: the GPU is full, in the legacy shape.", AnswerOutOfMemoryAsync),
        Error(
            "too-busy",
            500,
            "Model too busy, unable to get response in less than {0} second(s)",
            "the queue was longer than the wait",
            Parameter.Number("60")),
        Kind("empty-500", "500: nothing but the status.", (exchange, _) => exchange.AnswerAsync(500, null, "")),
        Kind(
            "bad-gateway",
            "502: the CDN's page.",
            (exchange, _) => exchange.AnswerAsync(502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>")),
        Kind(
            "loading",
            "503: the model is loading, with the estimated time in seconds.",
            (exchange, arguments) => AnswerLoadingAsync(exchange, StatusCodes.Status503ServiceUnavailable, arguments.Number(0)),
            Parameter.Number("20")),
        Kind(
            "loading-200",
            "200: the same object about loading, under the status of success.",
            (exchange, arguments) => AnswerLoadingAsync(exchange, StatusCodes.Status200OK, arguments.Number(0)),
            Parameter.Number("20")),
        Error("overload", 503, "Service temporarily unavailable, overload detected", "the toolkit of 2026 sheds load"),
        Kind("unavailable-html", "503: an HTML page.", (exchange, _) => exchange.AnswerAsync(503, "text/html", UnavailablePage)),
        Kind("gateway-timeout", "504: plain text, after the work may have been billed.", (exchange, _) => exchange.AnswerAsync(504, "text/plain", "Gateway Timeout")),
    ];

    public static Task AnswerLoadingAsync(Exchange exchange, int status, int seconds) => exchange.AnswerAsync(
        status,
        "application/json",
        $$"""{"error":"Model {{exchange.Request.Model}} is currently loading","estimated_time":{{seconds}}.0}""");

    private static Task AnswerOutOfMemoryAsync(Exchange exchange, Arguments arguments) => exchange.AnswerJsonAsync(
        StatusCodes.Status500InternalServerError,
        new JsonObject
        {
            ["error"] = "unknown error",
            ["warnings"] = new JsonArray(OutOfMemory, $"There was an inference error: {OutOfMemory}"),
        });
}
