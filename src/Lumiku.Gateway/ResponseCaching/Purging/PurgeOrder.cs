using System.Buffers;
using Lumiku.Gateway.Entitlements;
using Lumiku.Gateway.Settings;
using Lumiku.Gateway.Telemetry;

namespace Lumiku.Gateway.ResponseCaching.Purging;

/// <summary>What an operator asks to have purged.</summary>
/// <param name="By">The name of the parameter.</param>
/// <param name="LogName">What is meant, without a user's id.</param>
internal sealed record PurgeOrder(string By, PurgeMark Mark, string LogName)
{
    private const int ETagDigits = 32;

    private static readonly string[] Names = ["request", "etag", "model", "user", "caller"];
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    /// <returns>Exactly one: the order, or why there is none.</returns>
    public static (PurgeOrder? Order, GatewayProblem? Problem) Read(IQueryCollection query, GatewaySettings settings)
    {
        var named = Names.Where(query.ContainsKey).ToList();
        if (named is not [var name])
        {
            return Refused("Name one: 'request', 'etag', 'model', 'user', or 'caller' for a caller's own requests.");
        }

        var value = query[name].ToString();
        return name switch
        {
            "request" => RequestIds.IsFit(value) ? Ordered(PurgeMark.OfRequest(value), $"the request {value}")
                : Refused("'request' is the X-Request-Id of an answer: 1 to 128 letters, digits, '-', '_', '.' and ':'."),
            "etag" => ETagOf(value) is { } etag ? Ordered(PurgeMark.OfETag(etag), $"the ETag {etag}")
                : Refused($"'etag' is the ETag of an image: {ETagDigits} hexadecimal digits, with or without quotes."),
            "model" => ModelPath.IsModelId(value) ? Ordered(PurgeMark.OfModel(value), $"the model {value}")
                : Refused("'model' is a model's id: one or two segments of letters, digits, '.', '_' and '-'."),
            "user" => EntitlementsMiddleware.IsValidUser(value) ? OrderedOwner(new Owner(IsUser: true, value)) : (null, GatewayProblem.InvalidUser(value.Length)),
            _ => settings.FindCaller(value) is { } caller ? OrderedOwner(new Owner(IsUser: false, caller.Name))
                : Refused($"There is no caller of this name ({value.Length} characters)."),
        };

        (PurgeOrder?, GatewayProblem?) Ordered(PurgeMark mark, string logName) => (new PurgeOrder(name, mark, logName), null);

        (PurgeOrder?, GatewayProblem?) OrderedOwner(Owner owner) => (new PurgeOrder(name, PurgeMark.OfOwner(owner), owner.LogName), null);
    }

    private static (PurgeOrder?, GatewayProblem?) Refused(string why) => (null, GatewayProblem.ParameterRefused(why));

    /// <summary>As images have it; a proxy may have made it a weak one.</summary>
    /// <returns>Null where it is none of ours.</returns>
    private static string? ETagOf(string text)
    {
        var digits = (text.StartsWith("W/", StringComparison.Ordinal) ? text.AsSpan(2) : text).Trim('"');
        return digits.Length == ETagDigits && !digits.ContainsAnyExcept(HexDigits) ? $"\"{digits.ToString().ToLowerInvariant()}\"" : null;
    }
}
