using Lumiku.Gateway.Settings;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Lumiku.Gateway.ReverseProxy;

/// <summary>Checks where tokens may go: destinations by https, or on this machine, with a credential that exists.</summary>
internal static class UpstreamDestinations
{
    /// <summary>In a destination's <c>Metadata</c>: the name of its token in <c>Credentials</c>.</summary>
    public const string CredentialKey = "Credential";

    public static void Validate(TransformClusterValidationContext context, GatewaySettings settings)
    {
        foreach (var (id, destination) in context.Cluster.Destinations ?? new Dictionary<string, Yarp.ReverseProxy.Configuration.DestinationConfig>())
        {
            var where = $"the destination '{id}'";
            if (!Uri.TryCreate(destination.Address, UriKind.Absolute, out var address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp))
            {
                context.Errors.Add(new ArgumentException($"The address of {where} is '{destination.Address}'; it must be an absolute https address."));
            }
            else if (address.UserInfo.Length > 0)
            {
                context.Errors.Add(new ArgumentException($"The address of {where} holds a user or password: name a credential in its Metadata instead."));
            }
            else if (address.Scheme == Uri.UriSchemeHttp && !address.IsLoopback)
            {
                context.Errors.Add(new ArgumentException($"The address of {where} is '{destination.Address}': a token does not travel over plain http but to this machine. Use https."));
            }

            if (destination.Metadata?.GetValueOrDefault(CredentialKey) is { } credential && !settings.Credentials.ContainsKey(credential))
            {
                context.Errors.Add(new ArgumentException(UpstreamCredentialTransform.Missing(where, credential)));
            }
        }
    }
}
