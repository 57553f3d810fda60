using System.Net;
using Lumiku.Gateway.Settings;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace Lumiku.Gateway.Authentication;

/// <summary>Bound from <c>Network</c>.</summary>
internal sealed class NetworkOptions
{
    /// <summary>Addresses (<c>10.0.0.7</c>) or networks (<c>10.0.0.0/8</c>) whose <c>X-Forwarded-For</c> is believed. None by default.</summary>
    public IReadOnlyList<string> TrustedProxies { get; init; } = [];
}

/// <summary>Replaces the peer's address by the forwarded one where a trusted proxy says it: the right-most address that is not a trusted proxy itself.</summary>
internal sealed class TrustedProxies
{
    private readonly ForwardedHeadersMiddleware? _forwarded;

    public TrustedProxies(NetworkOptions options, SettingsReader read)
    {
        // The framework trusts the loopback by itself; we trust whom the operator names.
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor, ForwardLimit = null };
        forwarded.KnownIPNetworks.Clear();
        forwarded.KnownProxies.Clear();
        foreach (var (index, proxy) in options.TrustedProxies.Index())
        {
            if (System.Net.IPNetwork.TryParse(proxy, out var network))
            {
                forwarded.KnownIPNetworks.Add(network);
            }
            else if (IPAddress.TryParse(proxy, out var address))
            {
                forwarded.KnownProxies.Add(address);
            }
            else
            {
                read.Refuse($"Network:TrustedProxies:{index}", $"is '{proxy}', which is neither an address nor a network such as 10.0.0.0/8 (with no bit set behind the prefix)");
            }
        }

        // Made with each snapshot, so that a change of the settings is followed.
        _forwarded = options.TrustedProxies.Count == 0 ? null
            : new ForwardedHeadersMiddleware(_ => Task.CompletedTask, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, Options.Create(forwarded));
    }

    public void Apply(HttpContext context) => _forwarded?.ApplyForwarders(context);
}

internal static class TrustedProxiesSetup
{
    public static IApplicationBuilder UseTrustedProxies(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        context.GetSettings().Network.Apply(context);
        return next(context);
    });
}
