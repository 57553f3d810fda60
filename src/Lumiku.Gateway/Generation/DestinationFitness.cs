using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace Lumiku.Gateway.Generation;

internal static class DestinationFitness
{
    /// <summary>Whether it neither rests nor was found ill: whether YARP would ask it.</summary>
    /// <param name="cluster">Where it checks destinations no more, what it last found does not count.</param>
    public static bool IsFit(this DestinationState destination, ClusterConfig cluster) =>
        destination.Health.Passive != DestinationHealth.Unhealthy
        && (destination.Health.Active != DestinationHealth.Unhealthy || cluster.HealthCheck?.Active?.Enabled != true);
}
