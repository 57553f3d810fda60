using System.Net.Http.Headers;
using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary><c>{ "UpstreamCredential": "huggingface" }</c> sends <c>Authorization: Bearer</c> with <c>Credentials:huggingface</c>, or with the credential that the destination names.</summary>
/// <remarks>The transform holds a name, never a secret; the token is looked up for each request, so a changed one counts at once.</remarks>
internal sealed class UpstreamCredentialTransform(CurrentSettings settings) : ITransformFactory
{
    public const string Key = "UpstreamCredential";

    public bool Validate(TransformRouteValidationContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.TryGetValue(Key, out var name))
        {
            return false;
        }

        TransformKeys.RefuseOthers(context, Key, transformValues);
        if (!settings.Value.Credentials.ContainsKey(name ?? ""))
        {
            context.Errors.Add(new ArgumentException(Missing($"the transform {Key}", name)));
        }

        return true;
    }

    public bool Build(TransformBuilderContext context, IReadOnlyDictionary<string, string> transformValues)
    {
        if (!transformValues.TryGetValue(Key, out var name))
        {
            return false;
        }

        context.AddRequestTransform(transform =>
        {
            var destination = transform.HttpContext.GetReverseProxyFeature().ProxiedDestination;
            transform.ProxyRequest.Headers.Authorization = new AuthenticationHeaderValue("Bearer", settings.Credential(CredentialOf(destination) ?? name, transform.HttpContext.Features.Get<GatewaySettings>()).Reveal());
            return default;
        });
        return true;
    }

    /// <summary>Where a credential is named that the settings do not have.</summary>
    public static string Missing(string where, string? name) => name == "huggingface"
        ? $"There is no upstream token: set the variable {ShortVariables.HuggingFaceKey} ({where} names the credential 'huggingface')."
        : $"The credential {Quoted(name)}, which {where} names, is not in Credentials.";

    /// <summary>Whether this is a name, and not the token itself that somebody put in its place.</summary>
    public static bool IsName(string? text) => text is { Length: > 0 and <= 32 } && !text.StartsWith("hf_", StringComparison.OrdinalIgnoreCase);

    private static string Quoted(string? name) => IsName(name) ? $"'{name}'" : "(too long for a name)";

    private static string? CredentialOf(DestinationState? destination) =>
        destination?.Model.Config.Metadata?.GetValueOrDefault(UpstreamDestinations.CredentialKey);
}
