namespace Lumiku.Gateway.Settings;

/// <summary>The variables a deployer sets, and the settings that they stand for.</summary>
internal static class ShortVariables
{
    public const string HuggingFaceKey = "HUGGINGFACE_API_KEY";
    public const string GatewayKey = "GATEWAY_API_KEY";
    public const string JwtSecret = "JWT_SECRET";
    public const string OperatorKey = "OPERATOR_KEY";

    /// <returns>Defaults that the settings file may change, and the secrets themselves, which win over everything.</returns>
    public static (Dictionary<string, string?> Defaults, Dictionary<string, string?> Secrets) Expand(IConfiguration variables)
    {
        Dictionary<string, string?> defaults = [], secrets = [];

        // HF_TOKEN is what Hugging Face's own tools read.
        if ((NonEmpty(variables[HuggingFaceKey]) ?? NonEmpty(variables["HF_TOKEN"])) is { } token)
        {
            secrets["Credentials:huggingface"] = token;
        }

        if (NonEmpty(variables[GatewayKey]) is { } key)
        {
            secrets["Callers:backend:Key"] = key;
            defaults["Callers:backend:ActsForUsers"] = "true";
            defaults["Callers:backend:Tier"] = "internal";
        }

        if ((NonEmpty(variables["REDIS_URL"]) ?? RedisUrlOf(variables)) is { } redis)
        {
            secrets["Redis:State"] = redis;
        }

        return (defaults, secrets);
    }

    /// <summary>What platforms that know no URL give.</summary>
    private static string? RedisUrlOf(IConfiguration variables)
    {
        if (NonEmpty(variables["REDIS_HOST"]) is not { } host)
        {
            return null;
        }

        var password = NonEmpty(variables["REDIS_PASSWORD"]) is { } secret ? $":{Uri.EscapeDataString(secret)}@" : "";
        var port = NonEmpty(variables["REDIS_PORT"]) is { } number ? $":{number}" : "";
        return $"redis://{password}{host}{port}";
    }

    private static string? NonEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
