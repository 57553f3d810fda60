using Lumiku.Gateway.Authentication;
using Lumiku.Gateway.Dashboard;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Generation;
using Lumiku.Gateway.Generation.Dialects;
using Lumiku.Gateway.Health;
using Lumiku.Gateway.InferenceRequests;
using Lumiku.Gateway.ModelSubstitution;
using Lumiku.Gateway.RateLimiting;
using Lumiku.Gateway.Redis;
using Lumiku.Gateway.ResponseCaching;
using Lumiku.Gateway.ReverseProxy;

namespace Lumiku.Gateway.Settings;

/// <summary>All of our settings at one moment, checked. A request keeps the ones it started with.</summary>
internal sealed class GatewaySettings
{
    private GatewaySettings(IConfiguration configuration, SettingsReader read)
    {
        Credentials = read.Section<Dictionary<string, Secret>>("Credentials");
        Tiers = new TierCatalog(read.Section<Dictionary<string, TierOptions?>>("Tiers"), configuration["DefaultTier"] ?? "free", read);
        Callers = new CallerDirectory(read.Section<Dictionary<string, CallerOptions?>>("Callers"), read);
        JwtSecret = configuration[ShortVariables.JwtSecret] is { Length: > 0 } secret ? new Secret(secret) : null;
        JsonWebTokens.CheckSecret(JwtSecret, read);
        OperatorKey = configuration[ShortVariables.OperatorKey] is { Length: > 0 } operatorKey ? new Secret(operatorKey) : null;
        CheckOperatorKey(read);
        Models = new ModelCatalog(read.Section<ModelsOptions>("Models"), Tiers, read);
        Upstreams = new UpstreamCatalog(read.Section<Dictionary<string, UpstreamOptions?>>("Upstreams"), Models, read);
        Cost = read.Section<CostOptions>("Cost");
        Ops = read.Section<OpsOptions>("Ops");
        Limits = read.Section<LimitsOptions>("Limits");
        Generation = read.Section<GenerationOptions>("Generation");
        GenerationRules.Check(Generation, read);
        Cache = read.Section<CacheOptions>("Cache");
        Quota = new QuotaCalendar(read.Section<QuotaOptions>("Quota"), read);
        if (Limits.BufferedBytes < 2L * Limits.RequestBodyBytes)
        {
            read.Refuse("Limits:BufferedBytes", $"is {Limits.BufferedBytes}, less than twice Limits:RequestBodyBytes ({Limits.RequestBodyBytes}): the largest body would never be taken");
        }

        RateLimiterPolicies = new(read.Section<Dictionary<string, RateLimiterPolicyOptions?>>("RateLimiterPolicies"), StringComparer.OrdinalIgnoreCase);
        RouteLimits.Check(RateLimiterPolicies, read);
        Redis = read.Section<RedisOptions>("Redis");
        RedisState = UrlOf(Redis.State, problem => read.Refuse("Redis:State", $"(REDIS_URL) {problem}"));
        RedisImages = Redis.Images is null ? RedisState : UrlOf(Redis.Images, problem => read.Refuse("Redis:Images", problem));
        Shutdown = read.Section<ShutdownOptions>("Shutdown");
        if (Shutdown.Grace >= Shutdown.DrainLimit)
        {
            read.Refuse("Shutdown:Grace", $"is {Shutdown.Grace}, not shorter than Shutdown:DrainLimit ({Shutdown.DrainLimit}): what is taken last would have no time");
        }

        Network = new TrustedProxies(read.Section<NetworkOptions>("Network"), read);

        foreach (var (name, credential) in Credentials)
        {
            if (credential is not { FitsHeader: true })
            {
                read.Refuse($"Credentials:{name}", "must be a token of visible ASCII characters without spaces");
            }
        }

        KnownSecrets = [.. Credentials.Values.Append(JwtSecret).Append(OperatorKey).Append(RedisState?.Password).Append(RedisImages?.Password).OfType<Secret>().Select(secret => secret.Reveal()), .. Callers.PlainKeys];

        foreach (var caller in Callers.All.Where(caller => caller.Tier is not null && Tiers.Find(caller.Tier) is null))
        {
            read.Refuse($"Callers:{caller.Name}:Tier", $"is '{caller.Tier}', which Tiers does not have ({Tiers.Names}){NearestName.Hint(caller.Tier!, Tiers.All.Select(tier => tier.Name))}");
        }

        if (!Callers.All.Any() && JwtSecret is null)
        {
            read.Refuse("Callers", $"names nobody: set the variable {ShortVariables.GatewayKey} (the backend's key), Callers:{{name}}:KeySha256 or {ShortVariables.JwtSecret}; "
                + "a gateway without any caller would serve nobody");
        }
    }

    /// <summary>Counts the settings that were in force since the start, from 1 on; every request's log line has it. 0: not in force yet.</summary>
    public int Number { get; set; }

    /// <summary>Upstream tokens by name; <c>huggingface</c> is <c>HUGGINGFACE_API_KEY</c>.</summary>
    public Dictionary<string, Secret> Credentials { get; }

    public CallerDirectory Callers { get; }

    public TierCatalog Tiers { get; }

    public ModelCatalog Models { get; }

    public UpstreamCatalog Upstreams { get; }

    public CostOptions Cost { get; }

    public OpsOptions Ops { get; }

    public LimitsOptions Limits { get; }

    public GenerationOptions Generation { get; }

    public CacheOptions Cache { get; }

    public QuotaCalendar Quota { get; }

    public RedisOptions Redis { get; }

    /// <summary>What a route's <c>RateLimiterPolicy</c> may name.</summary>
    public Dictionary<string, RateLimiterPolicyOptions?> RateLimiterPolicies { get; }

    /// <summary>Where limits are counted for all replicas; null: in this process.</summary>
    public RedisUrl? RedisState { get; }

    public ShutdownOptions Shutdown { get; }

    /// <summary>What of <c>Redis</c> and <c>Shutdown</c> is read at the start alone, for a comparison; of passwords a digest.</summary>
    public string Start => $"{RedisState} {DigestOf(RedisState)} {RedisImages} {DigestOf(RedisImages)} {Redis.KeyPrefix} {Redis.ExpectedReplicas} {Redis.ImagesUpTo} {Redis.CallTimeout} {Shutdown.Grace} {Shutdown.DrainLimit}";

    /// <summary>Where images are kept for all replicas; null: in each replica alone.</summary>
    public RedisUrl? RedisImages { get; }

    public TrustedProxies Network { get; }

    /// <summary>Signs the JWTs that are accepted; null: none are.</summary>
    public Secret? JwtSecret { get; }

    /// <summary>Opens what is the operator's; null: that is closed.</summary>
    public Secret? OperatorKey { get; }

    /// <summary>Every secret known by its value, for masking what upstream says.</summary>
    public IReadOnlyList<string> KnownSecrets { get; }

    /// <summary>What upstream is paid for an image of a model; null where nothing is known.</summary>
    /// <remarks>Where several upstreams make them at prices of their own, the first one's: it is the one that is meant to.</remarks>
    public decimal? PriceOf(Model model) => (model.Options.Served is [{ } first, ..] ? first.Price : null) ?? model.Options.Price ?? (Cost.PerUnit * model.Options.Units);

    /// <summary>The same of an image that a certain upstream makes.</summary>
    /// <param name="upstream">Its name; one that <c>Served</c> does not name, or null, is the model's own.</param>
    public decimal? PriceOf(Model model, string? upstream) =>
        model.Options.Served.FirstOrDefault(served => served.Upstream?.Equals(upstream, StringComparison.OrdinalIgnoreCase) == true) is { } served
            ? served.Price ?? model.Options.Price ?? (Cost.PerUnit * model.Options.Units) : PriceOf(model);

    /// <summary>A caller by its name, case ignored; null where there is none.</summary>
    public Caller? FindCaller(string name) =>
        Callers.All.Append(JwtSecret is null ? null : Caller.TokenBearer).FirstOrDefault(caller => caller?.Name.Equals(name, StringComparison.OrdinalIgnoreCase) == true);

    /// <param name="mistakes">Everything that is wrong, each with its key. With any, the settings are good for nothing but further checks.</param>
    public static GatewaySettings Read(IConfiguration configuration, out IReadOnlyList<string> mistakes)
    {
        var reader = new SettingsReader(configuration);
        var settings = new GatewaySettings(configuration, reader);
        mistakes = reader.Mistakes;
        return settings;
    }

    private static RedisUrl? UrlOf(Secret? url, Action<string> refuse)
    {
        string? problem = null;
        var parsed = url is null ? null : RedisUrl.Parse(url.Reveal(), out problem);
        if (problem is not null)
        {
            refuse(problem);
        }

        return parsed;
    }

    private void CheckOperatorKey(SettingsReader read)
    {
        if (OperatorKey is not { } key)
        {
            return;
        }

        if (!key.FitsHeader)
        {
            read.Refuse(ShortVariables.OperatorKey, "must be visible ASCII characters without spaces, as it travels in a header");
        }
        else if (Callers.Find(key.Reveal()) is { } caller)
        {
            read.Refuse(ShortVariables.OperatorKey, $"is also the key of Callers:{caller.Name}: whoever may ask for pictures could then do all that an operator may");
        }
        else if (Credentials.Values.Append(JwtSecret).Any(other => other?.Reveal() == key.Reveal()))
        {
            read.Refuse(ShortVariables.OperatorKey, $"is also a token for upstream or {ShortVariables.JwtSecret}, which others see: take one of its own");
        }
    }

    private static string DigestOf(RedisUrl? url) => TextDigest.Of(url?.Password?.Reveal() ?? "", digits: 16);
}
