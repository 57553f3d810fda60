using System.Net;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace Lumiku.Gateway.Bench.Roles;

/// <summary>The same proxy without the gateway: YARP as it comes, one route, one cluster, two headers set.</summary>
internal static class YarpServer
{
    private const string Cluster = "huggingface";

    public static async Task RunAsync(int port, Uri upstream, CancellationToken cancellationToken)
    {
        var route = new RouteConfig
        {
            RouteId = "models",
            ClusterId = Cluster,
            Match = new RouteMatch { Path = "/models/{**rest}" },
            Transforms = [Header("Accept", "image/png"), Header("Authorization", "Bearer hf_bench")],
        };
        var cluster = new ClusterConfig
        {
            ClusterId = Cluster,
            HttpRequest = new ForwarderRequestConfig { Version = HttpVersion.Version11 },
            Destinations = new Dictionary<string, DestinationConfig> { ["primary"] = new() { Address = $"{upstream}" } },
        };

        await using var app = BareServer.Create(port, services => services.AddReverseProxy().LoadFromMemory([route], [cluster]));
        app.MapReverseProxy();
        await app.RunAsync(cancellationToken);
    }

    private static Dictionary<string, string> Header(string name, string value) => new() { ["RequestHeader"] = name, ["Set"] = value };
}
