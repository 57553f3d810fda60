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

        return (defaults, secrets);
    }

    private static string? NonEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
