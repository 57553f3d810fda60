using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Lumiku.Gateway.Settings;

namespace Lumiku.Gateway.Authentication;

/// <summary>Opens what is the operator's to whoever holds <c>OPERATOR_KEY</c>; where that is not set, there is nothing (404).</summary>
internal static class OperatorAccess
{
    /// <summary>Beside the operator's key on a request for a model: it is served as <see cref="Caller.Operator"/>. Beside any other key it means nothing.</summary>
    public const string ProbeHeader = "X-Lumiku-Probe";

    /// <inheritdoc cref="ProbeHeader"/>
    public const string ProbeValue = "true";

    /// <summary>For looking: the key as a bearer token, or as the password of Basic, which browsers ask for.</summary>
    public static RequestDelegate ToLook(RequestDelegate next) => Open(next, takesBasic: true, HttpMethods.Get, HttpMethods.Head);

    /// <summary>For changing something: as a bearer token only. A browser sends a password that it knows to us for any page that asks it to.</summary>
    public static RequestDelegate ToAct(RequestDelegate next) => Open(next, takesBasic: false, HttpMethods.Post);

    /// <summary>Whether this text is the operator's key, in a time that tells nothing about the key.</summary>
    public static bool IsKey(GatewaySettings settings, string? text) =>
        settings.OperatorKey is { } key && text is not null
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(text)), SHA256.HashData(Encoding.UTF8.GetBytes(key.Reveal())));

    /// <summary>Whether the request brings the key itself, as <see cref="ToLook"/> takes it.</summary>
    public static bool HasKey(HttpContext context) => IsKey(context.GetSettings(), GivenKey(context.Request, takesBasic: true));

    /// <summary>To everybody else it is all the same which methods there are.</summary>
    private static RequestDelegate Open(RequestDelegate next, bool takesBasic, params string[] methods) => context =>
    {
        var settings = context.GetSettings();
        if (settings.OperatorKey is null)
        {
            return GatewayProblem.UnknownRoute(context.Request.Path).ExecuteAsync(context);
        }

        if (IsKey(settings, GivenKey(context.Request, takesBasic)))
        {
            if (methods.Contains(context.Request.Method))
            {
                return next(context);
            }

            context.Response.Headers.Allow = string.Join(", ", methods);
            return GatewayProblem.MethodNotAllowed(context.Request.Method, string.Join(", ", methods)).ExecuteAsync(context);
        }

        // Asking without a key is how a browser learns that one is needed, and no guess.
        var blockedFor = context.Request.Headers.Authorization.Count == 0 ? null
            : context.RequestServices.GetRequiredService<FailedLogins>().Count(context.Connection.RemoteIpAddress);
        return (blockedFor is { } delay ? GatewayProblem.TooManyFailedLogins(delay) : GatewayProblem.NotTheOperator(takesBasic)).ExecuteAsync(context);
    };

    private static string? GivenKey(HttpRequest request, bool takesBasic)
    {
        if (!AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var given) || given.Parameter is not { } parameter)
        {
            return null;
        }

        if (given.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
        {
            return parameter;
        }

        if (!takesBasic || !given.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) || !Base64.IsValid(parameter))
        {
            return null;
        }

        var pair = Encoding.UTF8.GetString(Convert.FromBase64String(parameter));
        return pair.IndexOf(':', StringComparison.Ordinal) is var colon and >= 0 ? pair[(colon + 1)..] : null;
    }
}
