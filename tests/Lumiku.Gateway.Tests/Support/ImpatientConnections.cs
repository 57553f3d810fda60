using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.Tests.Support;

/// <summary>Connections to upstream that have to come about within half a second: a test need not wait for the ten of production.</summary>
internal sealed class ImpatientConnections : ForwarderHttpClientFactory
{
    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);
        handler.ConnectTimeout = TimeSpan.FromMilliseconds(500);
    }
}
