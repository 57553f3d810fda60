namespace Lumiku.Gateway.Telemetry;

/// <summary>OpenTelemetry's own protocol, by its own variables: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and the like. Without an endpoint nothing is sent, and nothing is collected for it.</summary>
internal static class Otlp
{
    public const string ServiceName = "lumiku-gateway";

    public static bool SendsMetrics => Sends("METRICS");

    public static bool SendsTraces => Sends("TRACES");

    public static bool SendsLogs => Sends("LOGS");

    /// <summary>The variable says another name.</summary>
    public static bool IsNamed => Variable("OTEL_SERVICE_NAME") is not null || Variable("OTEL_RESOURCE_ATTRIBUTES")?.Contains("service.name", StringComparison.Ordinal) == true;

    private static bool Sends(string signal) =>
        (Variable($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") ?? Variable("OTEL_EXPORTER_OTLP_ENDPOINT")) is not null
        && Variable($"OTEL_{signal}_EXPORTER") is null or "otlp"
        && Variable("OTEL_SDK_DISABLED")?.Equals("true", StringComparison.OrdinalIgnoreCase) != true;

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
